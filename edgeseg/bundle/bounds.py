"""How far a model's output may move from one machine to the next, measured and not guessed.

Two builds of the same kernels round differently, and along the outlines the largest score
changes hands. How often depends on the network, so it is measured with the network's own
golden frames: the optimised kernels against the reference ones, the two that lie furthest
apart. A board may differ twice as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALLOWANCE = 2.0
"""Times what the two kinds of kernels differ."""
LEAST_DISAGREEMENT = 0.02
"""Of the pixels, allowed even where the two kinds agree."""
LEAST_STEPS = 1.0
"""Mean error of integer scores that is allowed in any case."""
LEAST_SHARE = 0.01
"""The same for float scores, of their range."""
Array = NDArray[Any]


@dataclass(frozen=True)
class Bounds:
    """What the model stage has to keep to, each golden frame alone."""

    agreement: float
    """Least share of equal class ids, 0..1."""
    error: float | None
    """Largest mean difference of the raw scores, in their own unit (LSB for integers); None for class ids."""


UNMEASURED = Bounds(0.95, None)
"""Where the reference kernels cannot run a model; they agreed with XNNPACK on 94.8 to 100 % of our models' pixels."""


def difference(one: Array, other: Array, gives_ids: bool) -> tuple[float, float | None]:
    """Share of equal class ids and mean difference of the scores, of two raw outputs of one shape.

    Without cv2, so that a fault in what comes after the model does not count here. One
    channel is a foreground, whose threshold the output does not tell: its scores count alone.
    """
    if gives_ids:
        return float(np.mean(one == other)), None
    error = float(np.mean(np.abs(one.astype(np.float64) - other)))
    same = np.mean(one.argmax(-1) == other.argmax(-1)) if one.ndim == 3 and one.shape[2] > 1 else 1.0
    return float(same), error


def measured(pairs: Sequence[tuple[Array, Array]], gives_ids: bool) -> Bounds:
    """Bounds from the raw outputs of both kinds of kernels, a pair for each frame."""
    found = [difference(one, other, gives_ids) for one, other in pairs]
    disagreement = max(1 - same for same, _ in found)
    errors = [error for _, error in found if error is not None]
    error = max(ALLOWANCE * max(errors), _least([one for one, _ in pairs])) if errors else None
    return Bounds(1 - max(LEAST_DISAGREEMENT, ALLOWANCE * disagreement), error)


def _least(outputs: Sequence[Array]) -> float:
    if outputs[0].dtype.kind in "iu":
        return LEAST_STEPS
    return LEAST_SHARE * float(max(each.max() for each in outputs) - min(each.min() for each in outputs))
