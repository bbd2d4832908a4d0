"""How many multiplications an operator takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import prod

from converters.tflite.operators import Operator

_BY_OUTPUT = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
COUNTED = (*sorted(_BY_OUTPUT), "TRANSPOSE_CONV")
"""Operators that are counted; all others multiply little."""


def macs(operator: Operator) -> int:
    """Multiply-accumulates, by the shapes: one for each weight at each place where it is applied.

    Padding counts as if it were picture. 0 for operators that are not in `COUNTED`.
    """
    if operator.op in _BY_OUTPUT:
        weights = operator.inputs[1].shape
        # By output value: all of a filter but its output channels, which are first, or in a depthwise one last.
        each = prod(weights[:-1]) if operator.op == "DEPTHWISE_CONV_2D" else prod(weights[1:])
        return prod(operator.outputs[0].shape) * each
    if operator.op == "TRANSPOSE_CONV":
        _, weights, given = (tensor.shape for tensor in operator.inputs[:3])
        return prod(given[:-1]) * prod(weights)
    return 0


def macs_by_type(found: Iterable[Operator]) -> dict[str, int]:
    """The sum by the type that activations have, such as 'int8' or 'float32'."""
    sums: Counter[str] = Counter()
    for operator in found:
        if operator.op in COUNTED:
            sums[operator.outputs[0].dtype] += macs(operator)
    return dict(sums)
