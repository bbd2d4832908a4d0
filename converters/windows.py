"""Ranges without what the next operator cannot tell apart, so that the eight bits go to what counts.

A mask's logits may reach ±900 where the sigmoid that reads them is flat beyond ±6: over the
whole range one step of int8 would be nearly as wide as the entire decision.
"""

from __future__ import annotations

import math

import numpy as np

from converters.ranges import Ranges
from converters.tflite.objects import read
from converters.tflite.operators import operators

_LOGISTIC = math.log(511)
"""Beyond it the sigmoid is less than half a step, 1/512, from 0 or 1; int8 LOGISTIC writes steps of 1/256."""
_TANH = math.atanh(255 / 256)
"""The same for TANH, which writes steps of 1/128."""
WINDOWS = {
    "LOGISTIC": (-_LOGISTIC, _LOGISTIC),
    "TANH": (-_TANH, _TANH),
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "HARD_SWISH": (-3.0, math.inf),
}
"""Operator to the inputs that it can tell apart; outside, its output is constant (HARD_SWISH: 0 below -3)."""


def windows(model: bytes) -> dict[str, tuple[float, float]]:
    """(low, high) of each tensor that only operators of `WINDOWS` read; either end may be infinite."""
    readers: dict[str, list[str]] = {}
    for operator in operators(model):
        for tensor in operator.inputs:
            readers.setdefault(tensor.name, []).append(operator.op)
    graph = read(model).subgraphs[0]
    outputs = {graph.tensors[index].name.decode() for index in graph.outputs}
    found = {}
    for name, ops in readers.items():
        if name not in outputs and all(op in WINDOWS for op in ops):
            found[name] = min(WINDOWS[op][0] for op in ops), max(WINDOWS[op][1] for op in ops)
    return found


def windowed(model: bytes, ranges: Ranges) -> Ranges:
    """`ranges` with each tensor clipped to its window, if it has one."""
    known = windows(model)
    lows, highs = ranges.lows.copy(), ranges.highs.copy()
    for column, name in enumerate(ranges.names):
        if name in known:
            lows[:, column], highs[:, column] = (np.clip(each[:, column], *known[name]) for each in (lows, highs))
    return Ranges(ranges.names, lows, highs)
