"""One figure of `edgeseg bench loop`, and what a function that measures some is given."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2

from edgeseg.images import Image
from edgeseg.live.models import open_model
from edgeseg.scene.belt import Belt
from edgeseg.segmenter import Segmenter

SIZE = (480, 640)
PICTURES = 8
QUALITY = 90
"""Of the JPEGs, as the fake camera has it."""


@dataclass(frozen=True)
class Result:
    """A figure and its goal."""

    name: str
    """What `--only` calls it."""
    what: str
    value: float | None
    """None where it could not be measured."""
    goal: float
    at_least: bool
    """The value must reach the goal; else it must not exceed it."""
    unit: str = ""
    """Empty for a ratio."""
    detail: str = ""
    """What the value was made of; without a value, what the measurement needs."""

    @property
    def met(self) -> bool | None:
        """None where there is no value."""
        if self.value is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg bench loop --json` prints of it."""
        return {**vars(self), "met": self.met}


@dataclass(frozen=True)
class Setting:
    """What is measured, and with what."""

    model: str
    """A `.tflite` file or `stub:…`."""
    threads: int = 1
    """Of the network."""
    rounds: int = 15
    """Blocks of each of two things that take turns."""
    block_s: float = 0.3
    """Seconds that a block lasts, about."""
    peak_frames: int = 600
    """Over which the most memory is looked for."""
    soak_frames: int = 20_000
    """Over which the growth of memory is watched."""
    mediapipe: Path | None = None
    """A Python in which MediaPipe can be imported; this one if left out."""

    def open(self) -> Segmenter:
        """The model, loaded anew."""
        return open_model(self.model, self.threads)

    @cached_property
    def images(self) -> list[Image]:
        """Frames of the rendered belt, BGR uint8 480x640x3."""
        belt = Belt(2026, SIZE)
        return [belt.frame(10 * index)[0] for index in range(PICTURES)]

    @cached_property
    def jpegs(self) -> list[bytes]:
        """The same as a camera sends them."""
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        return [cv2.imencode(".jpg", image, options)[1].tobytes() for image in self.images]

    def frames(self, model: Segmenter) -> int:
        """How many fill a block."""
        for image in self.images[:3]:
            model(image)
        return max(20, round(1000 * self.block_s / max(model.invoke_ms, 0.1)))


Row = Callable[[Setting], Iterable[Result]]
"""Measures some figures; raises what the loop raises."""


def alternate(rounds: int, *measures: Callable[[], float]) -> list[Sequence[float]]:
    """Call each in turn, `rounds` times after one that does not count; the values of each."""
    values: list[list[float]] = [[] for _ in measures]
    for number in range(rounds + 1):
        for measure, kept in zip(measures, values, strict=True):
            value = measure()
            if number:
                kept.append(value)
    return [*values]


def median_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """Median over the rounds of one over the other: what disturbs a round meets both."""
    return statistics.median(one / other for one, other in zip(first, second, strict=True))


def bare(model: Segmenter) -> Callable[[], None]:
    """The inference alone, on what the input holds: the same interpreter, with nothing around it."""
    invoke: Callable[[], None] = model._interpreter.invoke
    return invoke
