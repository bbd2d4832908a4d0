"""Whole numbers at both ends of an int8 model, so that pixels go in as the camera gives them."""

from __future__ import annotations

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from converters.tflite.objects import add_tensor, builtin, operator_code, read, write
from edgeseg.errors import ConversionError, UsageError

_CODES, _TYPE = schema.BuiltinOperator, schema.TensorType
INPUTS = {"uint8": _TYPE.UINT8, "int8": _TYPE.INT8}
SHIFT = 128
"""Between the zero points of the same value in uint8 and int8."""


def integer_ends(data: bytes, input_dtype: str = "uint8") -> bytes:
    """Give an int8 .tflite an input of `input_dtype` ('uint8' or 'int8'), and integers at its outputs.

    The new input has the scale of the int8 tensor that it becomes, and for uint8 its zero point
    plus 128: a range declared as [0, 1] gives scale 1/255 and zero point 0, so that raw pixels
    can be fed. QUANTIZE and DEQUANTIZE at float ends go; an output that an operator computes
    in float stays float. Raises ConversionError where the input is read by a float operator.
    """
    if input_dtype not in INPUTS:
        raise UsageError(f"no input is called '{input_dtype}'; known are {', '.join(INPUTS)}")
    model = read(data)
    for end, index in enumerate(list(model.subgraphs[0].outputs)):
        _bare_output(model, end, index)
    for end, index in enumerate(list(model.subgraphs[0].inputs)):
        inner = _bare_input(model, end, index)
        if INPUTS[input_dtype] == _TYPE.UINT8:
            _put_uint8_before(model, end, inner)
    return write(model)


def _bare_output(model: Any, end: int, index: int) -> None:
    """Where a DEQUANTIZE writes the output, let the int8 tensor before it be the output."""
    graph = model.subgraphs[0]
    writers = [operator for operator in graph.operators if index in operator.outputs]
    if not writers or builtin(model, writers[0]) != _CODES.DEQUANTIZE or _readers(graph, index):
        return
    inner = int(writers[0].inputs[0])
    if graph.tensors[inner].type in INPUTS.values() and inner not in graph.outputs:
        graph.operators = [operator for operator in graph.operators if operator is not writers[0]]
        _become_end(model, graph.outputs, end, index, inner)


def _bare_input(model: Any, end: int, index: int) -> int:
    """Index of the int8 input tensor, made of a float input by taking its QUANTIZE away."""
    graph = model.subgraphs[0]
    tensor, readers = graph.tensors[index], _readers(graph, index)
    if tensor.type == _TYPE.INT8:
        return index
    name = tensor.name.decode()
    if tensor.type == _TYPE.UINT8 and len(readers) == 1 and builtin(model, readers[0]) == _CODES.QUANTIZE:
        pass  # done before; int8 may be wanted now
    elif tensor.type != _TYPE.FLOAT32 or [builtin(model, each) for each in readers] != [_CODES.QUANTIZE]:
        raise ConversionError(f"the input '{name}' is not quantized at once; do not keep it float")
    inner = int(readers[0].outputs[0])
    if graph.tensors[inner].type != _TYPE.INT8:
        raise ConversionError(f"the input '{name}' does not become int8; convert with int8 activations")
    graph.operators = [operator for operator in graph.operators if operator is not readers[0]]
    _become_end(model, graph.inputs, end, index, inner)
    return inner


def _put_uint8_before(model: Any, end: int, inner: int) -> None:
    """Let the graph begin with uint8, and a QUANTIZE that shifts it to the int8 tensor `inner`."""
    graph = model.subgraphs[0]
    name = graph.tensors[inner].name.decode()
    outer = add_tensor(model, f"{name}_int8", _TYPE.UINT8, list(graph.tensors[inner].shape))
    parameters = copy.deepcopy(graph.tensors[inner].quantization)
    parameters.zeroPoint = [int(point) + SHIFT for point in parameters.zeroPoint]
    graph.tensors[outer].quantization = parameters
    shift = schema.OperatorT()
    shift.opcodeIndex = operator_code(model, _CODES.QUANTIZE, 1)
    shift.inputs, shift.outputs = [outer], [inner]
    graph.operators = [shift, *graph.operators]
    _become_end(model, graph.inputs, end, inner, outer)


def _become_end(model: Any, ends: list[int], end: int, old: int, new: int) -> None:
    """Let `new` take the place and the name of `old` among `ends`; signatures follow."""
    tensors = model.subgraphs[0].tensors
    tensors[old].name, tensors[new].name = tensors[new].name, tensors[old].name
    ends[end] = new
    for signature in model.signatureDefs or []:
        for each in (*signature.inputs, *signature.outputs):
            if each.tensorIndex == old:
                each.tensorIndex = new


def _readers(graph: Any, index: int) -> list[Any]:
    return [operator for operator in graph.operators if index in operator.inputs]
