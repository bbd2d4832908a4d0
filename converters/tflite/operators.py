"""What is inside a .tflite, read from its FlatBuffer."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edgeseg.errors import ModelError

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_OPTIONS = {code: name for name, code in vars(schema.BuiltinOptions).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}

MAX_RANK = 16
"""No tensor has more dimensions; a damaged file may say so."""
SMALL = 64
"""Bytes up to which an int32 constant's values are kept."""


@dataclass(frozen=True)
class Tensor:
    """One tensor that an operator reads or writes."""

    name: str
    dtype: str
    """Lower case: 'int8', 'float32', …"""
    shape: tuple[int, ...]
    constant: bool
    bytes: int = 0
    """Size of a constant."""
    values: tuple[int, ...] = ()
    """Content of a small int32 constant: axes, sizes, strides."""


@dataclass(frozen=True)
class Operator:
    """One operator of the main subgraph."""

    index: int
    op: str
    """The builtin's name, such as CONV_2D, or that of a custom operator."""
    version: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The builtin options by the schema's names, such as 'AlignCorners'."""


def operators(data: bytes) -> tuple[Operator, ...]:
    """The operators of `data`, the bytes of a .tflite, in file order.

    Raises ModelError where the bytes are no model, or a damaged one.
    """
    if data[4:8] != b"TFL3":
        raise ModelError("this is not a TFLite model; give a file made by  edgeseg quantize")
    try:
        return _operators(data)
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise ModelError("the model is damaged; convert it again") from error


def _operators(data: bytes) -> tuple[Operator, ...]:
    model = schema.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    if max(graph.TensorsLength(), graph.OperatorsLength(), model.BuffersLength()) > len(data):
        raise ValueError("more entries than bytes")  # a damaged length would keep us for hours
    tensors = [_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())]

    def pick(count: int, at: object) -> tuple[Tensor, ...]:
        indices = (at(i) for i in range(min(count, len(tensors))))  # type: ignore[operator]
        return tuple(tensors[i] for i in indices if i >= 0)

    found = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = _OPERATORS.get(builtin, str(builtin))
        if name == "CUSTOM":
            name = (code.CustomCode() or b"").decode()
        inputs = pick(operator.InputsLength(), operator.Inputs)
        outputs = pick(operator.OutputsLength(), operator.Outputs)
        found.append(Operator(index, name, code.Version(), inputs, outputs, _options(operator)))
    return tuple(found)


def _options(operator: schema.Operator) -> dict[str, Any]:
    """The scalar fields of an operator's options table."""
    table, name = operator.BuiltinOptions(), _OPTIONS.get(operator.BuiltinOptionsType(), "NONE")
    if table is None or name == "NONE":
        return {}
    kind = getattr(schema, name)
    options = kind()
    options.Init(table.Bytes, table.Pos)
    fields = vars(getattr(schema, f"{name}T")())
    getters = (field[:1].upper() + field[1:] for field in fields)
    return {getter: getattr(options, getter)() for getter in getters if _is_scalar(options, getter)}


def _is_scalar(options: Any, getter: str) -> bool:
    return hasattr(options, getter) and not hasattr(options, f"{getter}Length")


def _tensor(model: schema.Model, tensor: schema.Tensor) -> Tensor:
    shape = tuple(int(tensor.Shape(i)) for i in range(min(tensor.ShapeLength(), MAX_RANK)))
    buffer, dtype = model.Buffers(tensor.Buffer()), _TYPES[tensor.Type()]
    size = buffer.DataLength()
    small = dtype == "int32" and 0 < size <= SMALL
    values = tuple(int(value) for value in buffer.DataAsNumpy().view("<i4")) if small else ()
    return Tensor((tensor.Name() or b"").decode(), dtype, shape, size > 0, size, values)
