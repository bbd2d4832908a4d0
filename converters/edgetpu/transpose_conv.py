"""Lowering TRANSPOSE_CONV to the version that the Edge TPU compiler reads, without changing a result.

Version 4 differs from version 3 by a fused activation alone, and a fused activation only
narrows the range in which the output saturates. Where that range is the whole range of the
output's type, leaving the activation out gives the same bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.edgetpu.rules import MAX_VERSIONS
from edgeseg.errors import ModelError

OP = "TRANSPOSE_CONV"
FUSED = 4
"""The version that added the fused activation; later ones add types that no Edge TPU has."""

_BOUNDS = {
    schema.ActivationFunctionType.NONE: (-np.inf, np.inf),
    schema.ActivationFunctionType.RELU: (0.0, np.inf),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
}
_RANGES = {schema.TensorType.INT8: (-128, 127), schema.TensorType.UINT8: (0, 255)}
_NAMES = {code: name for name, code in vars(schema.ActivationFunctionType).items() if isinstance(code, int)}

_VERSION_FIELD = 8
_ACTIVATION_FIELD = 10
"""Offsets in the vtables of OperatorCode and TransposeConvOptions: 4 + 2 * the field's number in the schema."""


@dataclass(frozen=True)
class Lowered:
    """A model that was lowered, or that could not be."""

    data: bytes
    """As long as the original, and equal to it but for a few bytes; an appended archive stays readable."""
    layers: tuple[str, ...]
    """Outputs of the operators that were lowered."""
    refused: tuple[str, ...]
    """Why others were not, a line each; the model is then as it was."""


def saturates_alike(activation: int, scale: float, zero_point: int, lowest: int, highest: int) -> bool:
    """Whether a fused `activation` never clamps what saturating to [lowest, highest] leaves.

    TFLite clamps to zero_point + round(bound / scale), computed in float32 with halves away
    from zero (CalculateActivationRangeQuantized in kernel_util.cc). So RELU needs zero_point
    = lowest, and RELU6 in addition round(6 / scale) >= highest - lowest, which is
    scale <= 6 / 254.5 for 8 bits.
    """
    if activation not in _BOUNDS:
        return False
    lower, upper = _BOUNDS[activation]
    return _quantized(lower, scale, zero_point) <= lowest and _quantized(upper, scale, zero_point) >= highest


def _quantized(bound: float, scale: float, zero_point: int) -> float:
    with np.errstate(all="ignore"):  # a damaged file may hold a scale of 0
        ratio = float(np.float32(bound) / np.float32(scale))
    return zero_point + float(np.copysign(np.floor(abs(ratio) + 0.5), ratio))


def lower(data: bytes) -> Lowered:
    """Lower every TRANSPOSE_CONV of version 4 in `data`, a .tflite, if all of them allow it; raises ModelError."""
    try:
        return _lower(data)
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"the model is damaged ({type(error).__name__}); convert it again") from error


def _lower(data: bytes) -> Lowered:
    model = schema.Model.GetRootAsModel(data, 0)
    patched, layers, refused = bytearray(data), [], []
    for index, operator, output in _fused(model):
        layer = (output.Name() or b"").decode()
        options = _options(operator)
        reason = _refusal(options.FusedActivationFunction(), output)
        if reason:
            refused.append(f"operator {index} ({OP}, {layer}): {reason}")
        layers.append(layer)
        at = options._tab.Offset(_ACTIVATION_FIELD)
        if at:
            patched[options._tab.Pos + at] = schema.ActivationFunctionType.NONE
        code = model.OperatorCodes(operator.OpcodeIndex())._tab
        at = code.Pos + code.Offset(_VERSION_FIELD)
        patched[at : at + 4] = MAX_VERSIONS[OP].to_bytes(4, "little")
    if refused:
        return Lowered(data, (), tuple(refused))
    return Lowered(bytes(patched) if layers else data, tuple(layers), ())


def _fused(model: schema.Model) -> Iterator[tuple[int, schema.Operator, schema.Tensor]]:
    """Index, operator and output of each operator to lower, in every subgraph, since they share their code."""
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            code = model.OperatorCodes(operator.OpcodeIndex())
            if code.BuiltinCode() == schema.BuiltinOperator.TRANSPOSE_CONV and code.Version() == FUSED:
                yield index, operator, graph.Tensors(operator.Outputs(0))


def _options(operator: schema.Operator) -> schema.TransposeConvOptions:
    options, table = schema.TransposeConvOptions(), operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def _refusal(activation: int, output: schema.Tensor) -> str:
    """Why this activation cannot be left out, or nothing."""
    name, quantization = _NAMES.get(activation, str(activation)), output.Quantization()
    if output.Type() not in _RANGES or quantization is None or quantization.ScaleLength() != 1:
        return f"its {name} cannot be left out of an output that is not quantized to 8 bits"
    scale, zero_point = float(quantization.Scale(0)), int(quantization.ZeroPoint(0))
    if saturates_alike(activation, scale, zero_point, *_RANGES[output.Type()]):
        return ""
    return (
        f"its {name} clamps within the output's range (scale {scale:.6g}, zero point {zero_point}); "
        "quantize it again, so that the range is that of the activation:  edgeseg quantize … --scheme int8"
    )
