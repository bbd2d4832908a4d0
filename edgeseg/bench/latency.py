"""How long an inference takes, over models and numbers of threads, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeseg.segmenter import Segmenter

BLOCK = 10
"""Inferences in a row; in between, another model would empty the caches."""
WARM = 2
"""The first of each block, which do not count."""
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Latency:
    """One model at one number of threads."""

    model: str
    threads: int
    blocks_ms: tuple[tuple[float, ...], ...]
    """Durations of inferences, round by round."""

    def percentile_ms(self, percent: float) -> float:
        """Over all rounds."""
        return float(np.percentile([ms for block in self.blocks_ms for ms in block], percent))

    def ratio_to(self, other: Latency) -> float:
        """Median over the rounds of this model's time over the other's; below 1 this one is faster."""
        pairs = zip(self.blocks_ms, other.blocks_ms, strict=True)
        return statistics.median(statistics.median(own) / statistics.median(others) for own, others in pairs)

    def to_json(self) -> dict[str, Any]:
        """Percentiles in ms."""
        count = sum(map(len, self.blocks_ms))
        percentiles = {f"p{percent}_ms": self.percentile_ms(percent) for percent in (50, 90, 99)}
        return {"model": self.model, "threads": self.threads, "inferences": count, **percentiles}


def measure(
    models: Sequence[tuple[Segmenter, int]], seconds: float, on_progress: Callable[[float, float], None] | None = None
) -> list[Latency]:
    """Run each (model, its number of threads) in turn, a block at a time, for about `seconds` in all.

    `on_progress` is told the seconds gone and `seconds`.
    """
    pictures = [_picture(model) for model, _ in models]
    blocks: list[list[tuple[float, ...]]] = [[] for _ in models]
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds or len(blocks[-1]) < LEAST_ROUNDS:
        if on_progress:
            on_progress(min(gone, seconds), seconds)
        for (model, _), picture, kept in zip(models, pictures, blocks, strict=True):
            kept.append(tuple(_one(model, picture) for _ in range(BLOCK))[WARM:])
    return [
        Latency(model.path.name, threads, tuple(kept)) for (model, threads), kept in zip(models, blocks, strict=True)
    ]


def _one(model: Segmenter, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> float:
    model.infer(picture)
    return model.invoke_ms


def _picture(model: Segmenter) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (*model.size, model.channels), np.uint8)
