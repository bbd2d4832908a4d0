"""Steadying the mask where the picture stands still, without lag where it moves."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.images import Image, Mask, resize
from edgeseg.metrics import flicker

MEMORY = 100
"""Frames over which the flicker scores are averaged."""

_BLUR = (3, 3)
_BLOCKS = 16
"""Along the picture's shorter side: blocks by which its noise and light are measured."""
_CALM = 0.1
"""Share of the blocks that are taken to show noise alone: the calmest."""
_ABOVE_NOISE = 6.0
"""Times the noise's mean that a change must have: 4.8 standard deviations."""
_THRESHOLDS = (2.5, 12.0)
"""Least change that counts, for pictures without noise, and the change that always counts, in grey levels."""
_SPECK = np.ones((2, 2), np.uint8)
"""What is narrower than this is noise."""
_REACH = 64
"""A moving pixel opens those around it, by one for so many of the picture's height."""


class Smoother:
    """Call it with every frame in turn. One thread calls; any thread may read `raw` and `smoothed`."""

    def __init__(self) -> None:
        self.raw: float | None = None
        """Flicker of the maps as they came, see `edgeseg.metrics.flicker`; None before the second frame."""
        self.smoothed: float | None = None
        """The same of those given back."""
        self._measured = 0
        self._grey = self._said = self._shown = self._repeats = np.zeros((0, 0), np.uint8)

    def __call__(self, label_map: Mask, picture: Image) -> Mask:
        """A new map for `label_map`, uint8 HxW; nobody may write to it.

        `picture` is the model's input, uint8 hxwx3 RGB or hxwx1. Where it moved since the last
        call a pixel takes its new class at once; else after three maps running that say so.
        A change of size begins anew.
        """
        grey = _grey(picture, (label_map.shape[0], label_map.shape[1]))
        before, self._grey = self._grey, grey
        if before.shape != grey.shape:
            self._said = self._shown = label_map.copy()
            self._repeats = np.zeros_like(label_map)
            return self._shown
        moved = _moved(grey, before)
        repeats = np.asarray(cv2.compare(label_map, self._said, cv2.CMP_EQ), np.uint8)
        three_times = cv2.bitwise_and(repeats, self._repeats)
        shown = self._shown.copy()
        cv2.copyTo(label_map, cv2.bitwise_or(moved, three_times), shown)
        self._measure(flicker(self._said, label_map, moved), flicker(self._shown, shown, moved))
        self._said, self._shown, self._repeats = label_map.copy(), shown, repeats
        return shown

    def _measure(self, raw: float, smoothed: float) -> None:
        if math.isnan(raw):
            return  # everything moved
        self._measured = min(self._measured + 1, MEMORY)
        self.raw = _mean(self.raw, raw, self._measured)
        self.smoothed = _mean(self.smoothed, smoothed, self._measured)


def _mean(old: float | None, new: float, count: int) -> float:
    return new if old is None else old + (new - old) / count


def _grey(picture: Image, size: tuple[int, int]) -> Image:
    """Slightly blurred, uint8 HxW of `size`."""
    grey = picture
    if picture.shape[2] == 3:
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    return np.asarray(cv2.blur(resize(grey, size), _BLUR), np.uint8)


def _moved(grey: Image, before: Image) -> Mask:
    """255 where the picture changed by more than its light and its noise did, else 0; uint8 HxW."""
    light = float(np.median((_block_means(grey) + 1) / (_block_means(before) + 1)))
    change = np.asarray(cv2.absdiff(grey, cv2.convertScaleAbs(before, alpha=light)), np.uint8)
    blocks = np.sort(_block_means(change))
    noise = float(blocks[round(_CALM * (blocks.size - 1))])
    threshold = min(max(_ABOVE_NOISE * noise, _THRESHOLDS[0]), _THRESHOLDS[1])
    moved = cv2.threshold(change, threshold, 255, cv2.THRESH_BINARY)[1]
    moved = cv2.morphologyEx(moved, cv2.MORPH_OPEN, _SPECK)
    reach = 2 * max(1, grey.shape[0] // _REACH) + 1
    return np.asarray(cv2.dilate(moved, np.ones((reach, reach), np.uint8)), np.uint8)


def _block_means(grey: Image) -> NDArray[np.float32]:
    height, width = grey.shape
    side = max(1, min(height, width) // _BLOCKS)
    rows, columns = height // side, width // side
    whole = grey[: rows * side, : columns * side].astype(np.float32)  # odd sizes take twenty times as long
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32).ravel()
