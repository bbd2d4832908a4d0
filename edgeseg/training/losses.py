"""Losses for segmentation with rare classes and pixels that do not count.

Each takes labels (N, h, w), int32 with IGNORE_ID where a pixel does not count, and logits
(N, h', w', C), which are brought to the labels' size bilinearly, and gives a scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.labels import IGNORE_ID
from edgeseg.training.backend import ops
from edgeseg.training.run import LOSSES as NAMES

Tensor = Any
Loss = Callable[[Tensor, Tensor], Tensor]
Weights = NDArray[np.float32]

FOCUS = 2.0
"""The focal loss's exponent; 2 in Lin et al."""


def class_weights(pixel_share: NDArray[np.float64], power: float) -> Weights:
    """Weight share^-power per class, (C,) float32, with mean 1 over pixels; 0 for an absent class.

    `power` 0 weighs all pixels alike, 1 all classes alike; 0.25 is mild.
    """
    shown = pixel_share > 0
    weights = np.zeros(pixel_share.shape)
    weights[shown] = pixel_share[shown] ** -power
    return np.asarray(weights / (weights * pixel_share).sum(), np.float32)


def _prepare(labels: Tensor, logits: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Safe labels, logits at their size, and the weight of each pixel (0 where ignored)."""
    logits = ops.cast(logits, "float32")
    size = (labels.shape[1], labels.shape[2])
    if (logits.shape[1], logits.shape[2]) != size:
        logits = ops.image.resize(logits, size, interpolation="bilinear", data_format="channels_last")
    labels = ops.cast(labels, "int32")
    valid = ops.not_equal(labels, IGNORE_ID)
    safe = ops.where(valid, labels, 0)
    weight = ops.take(ops.convert_to_tensor(weights), safe) * ops.cast(valid, "float32")
    return safe, logits, weight


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return ops.sum(values * weight) / (ops.sum(weight) + 1e-6)


def cross_entropy(weights: Weights) -> Loss:
    """Cross-entropy, weighted per class, averaged over the pixels that count."""

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        safe, logits, weight = _prepare(labels, logits, weights)
        return _mean(ops.sparse_categorical_crossentropy(safe, logits, from_logits=True), weight)

    return loss


def focal(weights: Weights) -> Loss:
    """(1 - p)^2 times the cross-entropy: easy pixels fade. Lin et al., "Focal Loss" (2017)."""

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        safe, logits, weight = _prepare(labels, logits, weights)
        entropy = ops.sparse_categorical_crossentropy(safe, logits, from_logits=True)
        return _mean((1 - ops.exp(-entropy)) ** FOCUS * entropy, weight)

    return loss


def dice(weights: Weights) -> Loss:
    """Cross-entropy plus one minus the mean soft Dice coefficient of the classes in the batch.

    Milletari et al., "V-Net" (2016); alone it gives no slope to a class that is all wrong.
    """
    entropy = cross_entropy(weights)

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        safe, scaled, weight = _prepare(labels, logits, weights)
        valid = ops.cast(ops.greater(weight, 0), "float32")[..., None]
        truth = ops.one_hot(safe, scaled.shape[-1]) * valid
        chance = ops.softmax(scaled, axis=-1) * valid
        both = ops.sum(truth * chance, axis=(0, 1, 2))
        each = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(chance, axis=(0, 1, 2))
        shown = ops.cast(ops.greater(ops.sum(truth, axis=(0, 1, 2)), 0), "float32")
        coefficient = (2 * both + 1) / (each + 1)
        mean = ops.sum(coefficient * shown) / (ops.sum(shown) + 1e-6)
        return entropy(labels, logits) + 1 - mean

    return loss


LOSSES: dict[str, Callable[[Weights], Loss]] = dict(zip(NAMES, (cross_entropy, focal, dice), strict=True))


def make_loss(name: str, pixel_share: NDArray[np.float64], power: float) -> Loss:
    """Build one of `LOSSES` for a set's class frequencies."""
    return LOSSES[name](class_weights(pixel_share, power))
