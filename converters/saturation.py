"""Tensors that the calibration frames do not cover: what lies beyond their range is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.calibration import INPUT, scaled, spread
from converters.layers import layer_of
from converters.litert import calibrate
from converters.material import Material
from converters.windows import windowed
from edgeseg.images import preprocess, read_frame

FRAMES = 25
BEYOND = 0.25
"""Of the calibrated range: what lies further out is more than chance."""
SHARE = 0.05
"""Of the frames: so many must go beyond before anybody is told."""
GROWING = 0.05
"""A middle tensor whose range still grows by more, from half the frames to all, wants more frames."""


def saturating(material: Material, paths: Sequence[Path]) -> list[str]:
    """Compare the calibrated ranges with those of other images; warnings, a line each."""
    source = material.source
    predictor = source.predictor
    size, channels = predictor.size, predictor.channels
    frames = (
        {INPUT: scaled(preprocess(read_frame(path), size, channels), source.input_range)[None]}
        for path in spread(paths, FRAMES)
    )
    model = material.float_model
    seen, met = windowed(model, material.ranges), windowed(model, calibrate(model, frames))
    low, high = seen.lows.min(axis=0), seen.highs.max(axis=0)
    width = high - low
    alive = width > 0
    beyond = np.where(alive, np.maximum(met.highs - high, low - met.lows) / np.where(alive, width, 1), 0)
    share = (beyond > BEYOND).mean(axis=0)
    found = []
    bad = [i for i in np.argsort(-beyond.max(axis=0)) if share[i] >= SHARE]
    if bad:
        names = ", ".join(dict.fromkeys(layer_of(seen.names[i]) for i in bad[:3])) + (" …" if len(bad) > 3 else "")
        past = 100 * beyond[:, bad].max()
        found.append(
            f"{len(bad)} of {len(seen.names)} tensors saturate ({names}): images beyond the calibration frames "
            f"go up to {past:.0f} % of the range past it; calibrate with such"
        )
    half = max(1, seen.frames // 2)
    before = seen.highs[:half].max(axis=0) - seen.lows[:half].min(axis=0)
    grown = alive & (before > 0)
    growth = float(np.median(width[grown] / before[grown])) - 1 if grown.any() else 0.0
    if seen.frames > 1 and growth > GROWING:
        found.append(
            f"ranges still grew by {100 * growth:.0f} % in the second half of the {seen.frames} calibration frames; "
            "give more"
        )
    return found
