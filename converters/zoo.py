"""What `edgeseg zoo table` measures: each figure by the command that measures it elsewhere too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.compare import compare_files
from converters.edgetpu.check import check_file
from converters.tflite.macs import macs_by_type
from converters.tflite.operators import operators
from edgeseg.bench.model import ModelReport, bench_files
from edgeseg.bench.projection import Projection, project
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.zoo import Entry

OnCount = Callable[[str, int, int], None]
"""Gets (what, done, total)."""


@dataclass(frozen=True)
class Quality:
    """How a model fares on one part of a labelled set."""

    data: str
    split: str
    images: int
    miou: float
    """0..1, of the int8 file."""
    iou: dict[str, float]
    """0..1, of the int8 file by class name."""
    float_miou: float | None
    """0..1, of the network that it was made from; None where that is not on the shelf."""
    drops: dict[str, float]
    """Loss of IoU from float to int8 by class name, in points of 100; empty where `float_miou` is None."""

    @property
    def worst(self) -> str | None:
        """The class that int8 costs most."""
        return max(self.drops, key=self.drops.__getitem__) if self.drops else None

    def to_json(self) -> dict[str, Any]:
        """Fractions of 1, drops in points of 100."""
        return {**vars(self), "worst_class": self.worst}


@dataclass(frozen=True)
class Figures:
    """All that the table says of one model."""

    entry: Entry
    parameters: int | None
    """Of the float network, batch normalization included; None where that is not on the shelf."""
    macs: Mapping[str, int]
    """Of one inference, by the type of the activations."""
    bytes: int
    """Of the int8 file."""
    mapped: float | None
    """Share of the operators that the Edge TPU is predicted to run, 0..1; None without a logits file."""
    quality: Quality | None
    """None without data."""
    speed: ModelReport
    boards: tuple[Projection, ...]
    """Those there are rates for."""

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg zoo table --json` prints of it."""
        return {
            **self.entry.to_json(),
            "parameters": self.parameters,
            "macs": self.macs,
            "edgetpu_mapped": self.mapped,
            "quality": self.quality.to_json() | {"seen": self.seen} if self.quality else None,
            "speed": self.speed.to_json(),
            "boards": [each.to_json() for each in self.boards],
        }

    @property
    def seen(self) -> bool:
        """Whether the figures of `quality` are of images that the model was trained on."""
        return self.quality is not None and self.entry.has_seen(self.quality.split)


def measure(
    shelf: Sequence[Entry],
    sets: Mapping[str, Path],
    split: str,
    threads: int | None,
    seconds: float,
    on_count: OnCount,
) -> Iterator[Figures]:
    """The figures of each model as soon as they are there; `sets` are labelled sets by task.

    Raises UsageError for a task that no model has or an empty shelf, DataError for a set that
    cannot be used, before anything is measured.
    """
    tasks = sorted({each.task for each in shelf})
    if not shelf:
        raise UsageError("the zoo has no models here; there is nothing to measure")
    for task, folder in sets.items():
        if task not in tasks:
            raise UsageError(f"no model of the zoo has the task '{task}'; there are {', '.join(tasks)}")
        open_dataset(folder).split(split)
    for entry in shelf:
        yield _figures(entry, sets.get(entry.task), split, threads, seconds, on_count)


def _figures(
    entry: Entry, data: Path | None, split: str, threads: int | None, seconds: float, on_count: OnCount
) -> Figures:
    macs = macs_by_type(operators(entry.path.read_bytes()))
    return Figures(
        entry=entry,
        parameters=_parameters(entry.weights) if entry.weights else None,
        macs=macs,
        bytes=entry.path.stat().st_size,
        mapped=check_file(entry.logits).mapped if entry.logits else None,
        quality=_quality(entry, data, split, lambda *at: on_count(f"{entry.name} compared", *at)) if data else None,
        speed=bench_files(
            entry.path,
            threads=threads,
            seconds=seconds,
            on_progress=lambda *at: on_count(f"{entry.name} timed, seconds", int(at[0]), int(at[1])),
        ),
        boards=tuple(each for each in project(macs) if each.ms),
    )


def _quality(entry: Entry, data: Path, split: str, on_progress: Callable[[int, int], None]) -> Quality:
    name = data.resolve().name
    if entry.weights is None:
        alone = evaluate_file(entry.path, data, split, on_progress=on_progress)
        return Quality(name, split, alone.images, alone.scores.miou, alone.scores.iou, None, {})
    both = compare_files(entry.weights, entry.path, str(data), split=split, on_progress=on_progress)
    assert both.first is not None
    assert both.second is not None  # a labelled set has masks
    scores = both.second.scores
    return Quality(name, split, both.images, scores.miou, scores.iou, both.first.scores.miou, both.drops)


def _parameters(weights: Path) -> int:
    from edgeseg.training.predict import load_keras

    return int(load_keras(weights)[0].count_params())
