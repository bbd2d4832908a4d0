"""Agreement between masks: IoU from one confusion matrix, boundary IoU, pixel agreement."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.labels import Labels

Matrix = NDArray[np.int64]
BOUNDARY_WIDTH = 0.02
"""Of the image's diagonal: how far from an outline a pixel belongs to it, as in Cheng et al."""


def where_counted(truth: NDArray[np.uint8], labels: Labels) -> NDArray[np.bool_]:
    """Where the ids of a mask are those of classes that count; a mask of its shape."""
    counts = np.zeros(256, bool)
    counts[list(labels.counted)] = True
    return counts[truth]


def confusion(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], labels: Labels) -> Matrix:
    """Count pixels by (true class, predicted id), (C, 256) int64 with C = `labels.num_classes`.

    Both masks are uint8 of one shape. Pixels whose truth is ignored, or beyond the classes,
    are left out. Predictions keep all 256 ids: one beyond the classes is a miss, not an error.
    Matrices of parts of a set add up to the matrix of the set.
    """
    classes = labels.num_classes
    keep = where_counted(truth, labels)
    pairs = truth[keep].astype(np.int64) * 256 + predicted[keep]
    full = np.bincount(pairs, minlength=classes * 256).reshape(classes, 256)
    return np.asarray(full, np.int64)


@dataclass(frozen=True)
class Scores:
    """What one confusion matrix says; fractions of 1."""

    iou: dict[str, float]
    """Intersection over union by class name; a class in neither masks nor predictions is absent."""
    miou: float
    """Mean over `iou`; nan where no pixel counted."""
    pixel_accuracy: float


def scores(matrix: Matrix, labels: Labels) -> Scores:
    """IoU = TP / (TP + FP + FN) per class over all pixels of a set, as in PASCAL VOC."""
    hits = np.diagonal(matrix)
    shown, said = matrix.sum(axis=1), matrix.sum(axis=0)[: matrix.shape[0]]
    union = shown + said - hits
    iou = {labels.names[i]: float(hits[i] / union[i]) for i in labels.counted if union[i]}
    total = int(matrix.sum())
    miou = float(np.mean(list(iou.values()))) if iou else float("nan")
    return Scores(iou, miou, float(hits.sum() / total) if total else float("nan"))


def pixel_agreement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Share of pixels where two masks of one shape say the same, 0..1."""
    return float(np.mean(one == other))


def flicker(before: NDArray[np.uint8], after: NDArray[np.uint8], moved: NDArray[np.uint8]) -> float:
    """Share of the pixels that changed their class from one frame to the next though nothing moved there, 0..1.

    |{p: not moved(p), before(p) != after(p)}| / |{p: not moved(p)}|. All three are HxW uint8;
    `moved` is 255 where the picture changed, else 0. nan where everything moved.
    """
    still = moved.size - cv2.countNonZero(moved)
    if not still:
        return float("nan")
    changed = cv2.subtract(cv2.compare(before, after, cv2.CMP_NE), moved)
    return cv2.countNonZero(changed) / still


@dataclass(frozen=True)
class BoundaryCounts:
    """Pixels of outlines by class, (C,) int64 each; counts of parts of a set add up."""

    both: NDArray[np.int64]
    either: NDArray[np.int64]

    @classmethod
    def none(cls, labels: Labels) -> BoundaryCounts:
        """Counts before the first mask."""
        empty = np.zeros(labels.num_classes, np.int64)
        return cls(empty, empty)

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(self.both + other.both, self.either + other.either)

    def iou(self, labels: Labels) -> dict[str, float]:
        """Boundary IoU by class name, 0..1; a class without outlines is absent."""
        counted = [i for i in labels.counted if self.either[i]]
        return {labels.names[i]: float(self.both[i] / self.either[i]) for i in counted}


def boundary_counts(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], labels: Labels) -> BoundaryCounts:
    """Count where the outlines of two masks of one shape meet, and where either has one.

    The outline of a class is what its region loses when it is eroded by 2 % of the diagonal.
    Cheng et al., "Boundary IoU" (2021). Pixels whose truth is ignored do not count, and make no
    outline.
    """
    width = max(1, round(BOUNDARY_WIDTH * float(np.hypot(*truth.shape))))
    counts = np.zeros((2, labels.num_classes), np.int64)
    keep = where_counted(truth, labels)
    for class_id in labels.counted:
        one, other = truth == class_id, (predicted == class_id) & keep
        if not one.any() and not other.any():
            continue
        one, other = (_outline(region | ~keep, width) & keep for region in (one, other))
        counts[:, class_id] = np.count_nonzero(one & other), np.count_nonzero(one | other)
    return BoundaryCounts(counts[0], counts[1])


def _outline(region: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    padded = np.pad(region.astype(np.uint8), 1)  # the picture's edge is an outline too
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    inner = cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)[1:-1, 1:-1]
    return np.asarray(region & (inner == 0), np.bool_)
