"""The extremes of every activation on every calibration frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ConversionError, DataError, UsageError


@dataclass(frozen=True)
class Ranges:
    """What calibration saw; a few kilobytes a frame, however large the images."""

    names: tuple[str, ...]
    """Float activations of the model, by tensor name."""
    lows: NDArray[np.float32]
    """(frames, tensors): the smallest value of each tensor on each frame."""
    highs: NDArray[np.float32]
    """(frames, tensors): the largest."""

    @property
    def frames(self) -> int:
        """Frames seen."""
        return len(self.lows)

    def extremes(self) -> dict[str, tuple[float, float]]:
        """Tensor name to (min, max) over all frames."""
        lows, highs = self.lows.min(axis=0), self.highs.max(axis=0)
        return {name: (float(low), float(high)) for name, low, high in zip(self.names, lows, highs, strict=True)}

    def averaged(self) -> Ranges:
        """One frame with the mean of all frames' extremes: finer steps, and rare extremes are cut off."""
        return Ranges(self.names, self.lows.mean(axis=0, keepdims=True), self.highs.mean(axis=0, keepdims=True))

    def declared(self, name: str, low: float, high: float) -> Ranges:
        """The same, but with `name` ranging over [low, high] whatever the frames showed.

        For the input, whose range is known: [0, 255] gives it scale 1, and raw pixels can be
        fed. Raises UsageError for an unknown tensor or an empty range.
        """
        if name not in self.names:
            raise UsageError(f"the model has no float tensor '{name}'")
        if not low < high:
            raise UsageError(f"a range goes from low to high, not from {low} to {high}")
        column = self.names.index(name)
        lows, highs = self.lows.copy(), self.highs.copy()
        lows[:, column], highs[:, column] = low, high
        return Ranges(self.names, lows, highs)


def gather(names: tuple[str, ...], rows: Iterable[tuple[list[float], list[float]]]) -> Ranges:
    """`Ranges` of (lows, highs) a frame, each in the order of `names`.

    Raises DataError without a frame, ConversionError where a tensor is not finite.
    """
    lows, highs = [], []
    for low, high in rows:
        lows.append(np.array(low, np.float32))
        highs.append(np.array(high, np.float32))
        finite = np.isfinite(lows[-1]) & np.isfinite(highs[-1])
        if not finite.all():
            name = names[int(np.argmin(finite))]
            raise ConversionError(f"'{name}' is not finite on calibration frame {len(lows)}; check the float model")
    if not lows:
        raise DataError("calibration needs at least 1 frame, and got none")
    return Ranges(names, np.stack(lows), np.stack(highs))
