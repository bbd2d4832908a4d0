"""Removing float islands: operators that stand between DEQUANTIZE and QUANTIZE without need.

The quantizer leaves an operator float where it knows no int8 form; LiteRT has one for some of
them. Class ids come out of int8 scores as they do out of real ones; moving values about needs
no real ones either; and an activation may have scales of its own before and after.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.objects import add_tensor, builtin, operator_code, read, write

_CODES, _INT8, _FLOAT32 = schema.BuiltinOperator, schema.TensorType.INT8, schema.TensorType.FLOAT32
_RANKING = frozenset({_CODES.ARG_MAX, _CODES.ARG_MIN})
_MOVING = frozenset(
    {
        *(_CODES.BATCH_TO_SPACE_ND, _CODES.DEPTH_TO_SPACE, _CODES.EXPAND_DIMS, _CODES.REDUCE_MAX),
        *(_CODES.SPACE_TO_BATCH_ND, _CODES.SPACE_TO_DEPTH, _CODES.SQUEEZE, _CODES.TILE),
    }
)
_RESCALING = frozenset({_CODES.ELU, _CODES.LEAKY_RELU, _CODES.RELU6})
_INTEGER = _RANKING | _MOVING | _RESCALING
_LOWEST, _STEPS = -128, 255
"""Of int8."""


def close_islands(data: bytes, extremes: Mapping[str, tuple[float, float]], keep_float: Collection[str] = ()) -> bytes:
    """Rewrite an int8 .tflite; operators that write a tensor of `keep_float` stay as they are.

    `extremes` gives (min, max) of the float model's activations by tensor name.
    """
    model = read(data)
    graph = model.subgraphs[0]
    operators: list[Any] = []
    makers: dict[int, Any] = {}
    same: dict[int, int] = {}
    for operator in graph.operators:
        operator.inputs = [same.get(index, index) for index in operator.inputs]
        code, source = builtin(model, operator), _int8_source(model, makers, operator)
        name = graph.tensors[operator.outputs[0]].name.decode()
        following: list[Any] = [operator]
        if source is None and code in _INTEGER and name not in keep_float:
            before = graph.tensors[operator.inputs[0]]
            if before.type == _FLOAT32 and before.name.decode() in extremes:
                source = add_tensor(model, f"{before.name.decode()}_int8", _INT8, list(before.shape))
                graph.tensors[source].quantization = _parameters(*extremes[before.name.decode()])
                operators.append(_between(model, _CODES.QUANTIZE, int(operator.inputs[0]), source))
        if source is not None and name not in keep_float:
            if code in _RANKING or code == _CODES.QUANTIZE:
                operator.inputs[0] = source
            elif code in _MOVING:
                following.append(_enter(model, operator, source, graph.tensors[source].quantization))
            elif code in _RESCALING and name in extremes:
                following.append(_enter(model, operator, source, _parameters(*extremes[name])))
        if code == _CODES.QUANTIZE and _repeats(graph, operator):
            same[int(operator.outputs[0])] = int(operator.inputs[0])
        operators += following
        makers |= {index: each for each in following for index in each.outputs}
    graph.operators = _needed(graph, operators)
    return write(model)


def _int8_source(model: Any, makers: dict[int, Any], operator: Any) -> int | None:
    """The int8 tensor of which the operator reads the dequantized form, or None."""
    maker = makers.get(operator.inputs[0]) if operator.inputs else None
    if maker is None or builtin(model, maker) != _CODES.DEQUANTIZE:
        return None
    index = int(maker.inputs[0])
    return index if model.subgraphs[0].tensors[index].type == _INT8 else None


def _enter(model: Any, operator: Any, source: int, parameters: Any) -> Any:
    """Let the operator read `source` and write int8 by `parameters`; returns the DEQUANTIZE that follows it."""
    tensors = model.subgraphs[0].tensors
    result = int(operator.outputs[0])
    name = tensors[result].name.decode()
    written = add_tensor(model, name, _INT8, list(tensors[result].shape))
    tensors[written].quantization = copy.deepcopy(parameters)
    tensors[result].name = f"{name}_dequant".encode()
    operator.inputs[0], operator.outputs[0] = source, written
    return _between(model, _CODES.DEQUANTIZE, written, result)


def _between(model: Any, code: int, source: int, result: int) -> Any:
    """A QUANTIZE or DEQUANTIZE."""
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(model, code, 2 if code == _CODES.DEQUANTIZE else 1)
    operator.inputs, operator.outputs = [source], [result]
    return operator


def _parameters(low: float, high: float) -> Any:
    """Asymmetric int8 over [low, high] and 0, as Jacob et al. (2018) have it: real = scale * (q - zero point)."""
    low, high = min(low, 0.0), max(high, 0.0)
    found = schema.QuantizationParametersT()
    scale = max(high - low, float(np.finfo(np.float32).tiny) * _STEPS) / _STEPS
    found.scale, found.zeroPoint = [scale], [round(_LOWEST - low / scale)]
    return found


def _repeats(graph: Any, quantize: Any) -> bool:
    """True for a QUANTIZE from int8 to the same int8."""
    before, after = graph.tensors[quantize.inputs[0]], graph.tensors[quantize.outputs[0]]
    if before.type != after.type or quantize.outputs[0] in graph.outputs:
        return False
    old, new = before.quantization, after.quantization
    return list(old.zeroPoint) == list(new.zeroPoint) and np.allclose(old.scale, new.scale, rtol=1e-6, atol=0)


def _needed(graph: Any, operators: list[Any]) -> list[Any]:
    """The operators on which an output depends, in their order."""
    wanted = set(graph.outputs)
    kept = []
    for operator in reversed(operators):
        if wanted & set(operator.outputs):
            wanted.update(operator.inputs)
            kept.append(operator)
    return kept[::-1]
