"""What a converted file must show before it gets its name, read from its FlatBuffer."""

from __future__ import annotations

from converters.tflite.operators import Operator, operators
from edgeseg.errors import ConversionError

ENDS = {
    "QUANTIZE": frozenset({"uint8"}),
    "ARG_MAX": frozenset({"int32"}),
    "CAST": frozenset({"int32", "uint8"}),
}
"""Operators of the declared ends, and the types besides int8 that they may hold."""
CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"})
SMALL = 1024
"""Bytes below which weights may stay as they are: the libraries leave them alone."""


def all_integer(data: bytes) -> None:
    """Raise ConversionError that names the first operator which does not compute in int8.

    Constants may be int32 (biases, shapes). The declared ends turn uint8 pixels into int8 and
    int8 scores into class ids.
    """
    for operator in operators(data):
        ends = ENDS.get(operator.op, frozenset())
        for tensor in (*operator.inputs, *operator.outputs):
            whole = tensor.dtype in {"int8", "int32"} if tensor.constant else tensor.dtype in {"int8"} | ends
            if not whole:
                raise ConversionError(
                    f"operator {operator.index} ({operator.op}) works in {tensor.dtype} at '{tensor.name}'; "
                    "replace that layer by one that int8 supports"
                )


def weights_in(data: bytes, dtype: str) -> None:
    """Raise ConversionError that names the first convolution whose weights are not `dtype`."""
    stored = {each.outputs[0].name: each.inputs[0] for each in operators(data) if each.op == "DEQUANTIZE"}
    for operator in operators(data):
        if operator.op not in CONVOLUTIONS:
            continue
        weights = stored.get(operator.inputs[1].name, operator.inputs[1])
        if weights.dtype != dtype and weights.bytes >= SMALL:
            raise ConversionError(f"{_named(operator)} holds its weights in {weights.dtype}, not in {dtype}")


def computes_in(data: bytes, dtype: str) -> None:
    """Raise ConversionError that names the first convolution whose result is not `dtype`."""
    for operator in operators(data):
        if operator.op in CONVOLUTIONS and operator.outputs[0].dtype != dtype:
            raise ConversionError(f"{_named(operator)} computes in {operator.outputs[0].dtype}, not in {dtype}")


def _named(operator: Operator) -> str:
    return f"operator {operator.index} ({operator.op}, '{operator.outputs[0].name}')"
