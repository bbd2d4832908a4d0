"""What rounding each activation to 8 bits would cost, before anything is converted."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from converters.layers import Probe
from converters.material import Material
from converters.tflite.operators import operators
from converters.windows import windowed, windows

FRAMES = 4
STEPS = 255


def rounding_errors(material: Material) -> dict[str, float]:
    """Error of each float activation under its calibrated range, by tensor name.

    The mean over frames and channels of the error's RMS over the channel's standard deviation
    in that frame, at most 1 each; 0..1. What the next operator cannot tell apart is no error.
    """
    computed = [tensor for each in operators(material.float_model) for tensor in each.outputs]
    names = [tensor.name for tensor in computed if tensor.dtype == "float32"]
    extremes, seen = windowed(material.float_model, material.ranges).extremes(), windows(material.float_model)
    probe = Probe(material.float_model, material.source.input_range)
    sums: dict[str, list[float]] = {name: [] for name in names}
    for image in islice(material.pixels(), FRAMES):
        for name, values in probe(image, names):
            clipped = np.clip(values, *seen[name]) if name in seen else values
            sums[name].append(_error(clipped, *extremes[name]))
    return {name: float(np.mean(each)) for name, each in sums.items()}


def _error(values: NDArray[np.float32], low: float, high: float) -> float:
    low, high = min(low, 0.0), max(high, 0.0)  # zero is always exact
    step = (high - low) / STEPS
    if not step:
        return 0.0
    rounded = np.clip(np.round((values - low) / step), 0, STEPS) * step + low
    spread = values.std(axis=0)
    alive = spread > 1e-6 * max(1e-6, float(spread.max()))
    if not alive.any():
        return 0.0
    wrong = np.sqrt(((values - rounded)[:, alive] ** 2).mean(axis=0))
    return float(np.minimum(1, wrong / spread[alive]).mean())
