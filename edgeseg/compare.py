"""Two models on the same images: where they differ, and which of them is right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edgeseg.data.dataset import Pair, read_mask
from edgeseg.errors import GateError
from edgeseg.evaluate import Predictor
from edgeseg.images import Image, Mask, preprocess, read_frame, resize_mask
from edgeseg.labels import Labels
from edgeseg.metrics import BoundaryCounts, Scores, boundary_counts, confusion, scores, where_counted
from edgeseg.sources import Source

WORST = 10
"""Images that are kept in mind."""


@dataclass(frozen=True)
class Difference:
    """What two models make of one image."""

    image: str
    agreement: float
    """Share of pixels on which they agree, 0..1."""
    lost: float
    """Share of the counted pixels that the first has right and the second wrong; without a mask 1 - `agreement`."""
    won: float
    """The other way round; without a mask 0."""


@dataclass(frozen=True)
class Judgement:
    """How one model fares against the masks."""

    scores: Scores
    boundary_iou: dict[str, float]
    """By class name, 0..1."""

    @property
    def boundary_miou(self) -> float:
        """Mean of `boundary_iou`; nan where there is none."""
        return float(np.mean(list(self.boundary_iou.values()))) if self.boundary_iou else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Fractions of 1."""
        return {
            "miou": _or_none(self.scores.miou),
            "iou": self.scores.iou,
            "pixel_accuracy": _or_none(self.scores.pixel_accuracy),
            "boundary_miou": _or_none(self.boundary_miou),
            "boundary_iou": self.boundary_iou,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Judgement:
        """Read what `to_json` gave."""
        return cls(Scores(data["iou"], _or_nan(data["miou"]), _or_nan(data["pixel_accuracy"])), data["boundary_iou"])


@dataclass(frozen=True)
class Comparison:
    """Two models, the first and the second, over a set of images."""

    images: int
    agreement: float
    """Share of all pixels on which they agree, 0..1; nan without an image."""
    class_agreement: dict[str, float]
    """Of the pixels that the first gives a class, the share that the second gives it too."""
    first: Judgement | None
    """None where the images have no masks."""
    second: Judgement | None
    worst: tuple[Difference, ...]
    """Images by `lost`, the worst first, at most `WORST`; those are not always those that differ most."""

    @property
    def drops(self) -> dict[str, float]:
        """Loss of IoU from first to second by class name, in points of 100; empty without masks.

        A class that no mask shows and one model alone believes to see has no IoU to lose.
        """
        if self.first is None or self.second is None:
            return {}
        after = self.second.scores.iou
        return {name: 100 * (iou - after[name]) for name, iou in self.first.scores.iou.items() if name in after}

    @property
    def drop(self) -> float | None:
        """Mean of `drops`: the loss of mIoU in points of 100; None without masks, or where no pixel counts."""
        drops = self.drops.values()
        return sum(drops) / len(drops) if drops else None

    def require(self, agreement: float) -> None:
        """Raise GateError where the two agree on less than this share of the pixels, 0..1."""
        if not self.agreement >= agreement:
            raise GateError(f"they agree on {self.agreement:.2%} of the pixels, below {agreement:.2%}")

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg compare --json` prints; fractions of 1, drops in points of 100."""
        return {
            "images": self.images,
            "agreement": _or_none(self.agreement),
            "class_agreement": self.class_agreement,
            "first": self.first.to_json() if self.first else None,
            "second": self.second.to_json() if self.second else None,
            "drop": self.drop,
            "drops": self.drops,
            "worst": [vars(each) for each in self.worst],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Comparison:
        """Read what `to_json` gave."""
        first, second = (Judgement.from_json(data[key]) if data[key] else None for key in ("first", "second"))
        worst = tuple(Difference(**each) for each in data["worst"])
        return cls(data["images"], _or_nan(data["agreement"]), data["class_agreement"], first, second, worst)


def _or_none(share: float) -> float | None:
    """JSON knows no nan."""
    return None if math.isnan(share) else share


def _or_nan(share: float | None) -> float:
    return math.nan if share is None else share


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture to compare on."""

    name: str
    frame: Image
    """BGR."""
    truth: Mask | None = None
    """Class ids of any size; None where nobody knows."""


def labelled(pairs: Iterable[Pair]) -> Iterator[Sample]:
    """Samples of a labelled set, read one at a time."""
    return (Sample(str(pair.image), read_frame(pair.image), read_mask(pair.mask)) for pair in pairs)


def unlabelled(images: Iterable[str | Path]) -> Iterator[Sample]:
    """Samples of image files, read one at a time."""
    return (Sample(str(path), read_frame(Path(path))) for path in images)


def compare(
    first: Predictor,
    second: Predictor,
    samples: Iterable[Sample],
    labels: Labels,
    on_progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Run both models on `samples`, and compare at the truth's size, or at the frame's where there is none.

    `on_progress` gets the number of samples done.
    """
    matrices = np.zeros((2, labels.num_classes, 256), np.int64)
    outlines = [BoundaryCounts.none(labels)] * 2
    said, agreed = np.zeros(256, np.int64), np.zeros(256, np.int64)
    differences = []
    masks = False
    for sample in samples:
        truth = sample.truth
        masks = truth is not None
        height, width = (truth if truth is not None else sample.frame).shape[:2]
        one, other = (resize_mask(segment(model, sample.frame), (height, width)) for model in (first, second))
        same = one == other
        said += np.bincount(one.ravel(), minlength=256)
        agreed += np.bincount(one[same], minlength=256)
        lost, won = 1 - float(same.mean()), 0.0
        if truth is not None:
            for row, predicted in enumerate((one, other)):
                matrices[row] += confusion(truth, predicted, labels)
                outlines[row] = outlines[row] + boundary_counts(truth, predicted, labels)
            lost, won = _exchanged(truth, one, other, labels)
        differences.append(Difference(sample.name, float(same.mean()), lost, won))
        if on_progress:
            on_progress(len(differences))
    judged = [Judgement(scores(m, labels), o.iou(labels)) for m, o in zip(matrices, outlines, strict=True)]
    worst = sorted(differences, key=lambda each: (-each.lost, each.agreement, each.image))[:WORST]
    total = int(said.sum())
    return Comparison(
        len(differences),
        float(agreed.sum() / total) if total else float("nan"),
        {labels.name(int(i)): float(agreed[i] / said[i]) for i in np.flatnonzero(said)},
        judged[0] if masks else None,
        judged[1] if masks else None,
        tuple(worst),
    )


def filmed(source: Source, frames: int) -> Iterator[Sample]:
    """The first `frames` samples of a video, camera, folder or rendered belt; closes it."""
    try:
        for frame in islice((each for each in source.frames() if each), frames):
            yield Sample(frame.name, frame.image)
    finally:
        source.close()


def segment(model: Predictor, frame: Image) -> Mask:
    """Class ids of one BGR frame at the model's own output size."""
    return np.asarray(model.predict(preprocess(frame, model.size, model.channels)[None])[0], np.uint8)


def _exchanged(truth: Mask, one: Mask, other: Mask, labels: Labels) -> tuple[float, float]:
    keep = where_counted(truth, labels)
    before, after = (one == truth) & keep, (other == truth) & keep
    pixels = max(1, int(keep.sum()))
    return float((before & ~after).sum() / pixels), float((after & ~before).sum() / pixels)
