"""Agreement between masks, all from one confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeseg.labels import Labels

Matrix = NDArray[np.int64]


def confusion(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], labels: Labels) -> Matrix:
    """Count pixels by (true class, predicted id), (C, 256) int64 with C = `labels.num_classes`.

    Both masks are uint8 of one shape. Pixels whose truth is ignored, or beyond the classes,
    are left out. Predictions keep all 256 ids: one beyond the classes is a miss, not an error.
    Matrices of parts of a set add up to the matrix of the set.
    """
    classes = labels.num_classes
    counts = np.zeros(256, bool)
    counts[list(labels.counted)] = True
    keep = counts[truth]
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
