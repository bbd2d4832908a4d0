"""What is inside a .tflite, read from its FlatBuffer."""

from __future__ import annotations

from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


@dataclass(frozen=True)
class Tensor:
    """One tensor that an operator reads or writes."""

    name: str
    dtype: str
    """Lower case: 'int8', 'float32', …"""
    shape: tuple[int, ...]
    constant: bool


@dataclass(frozen=True)
class Operator:
    """One operator of the main subgraph."""

    index: int
    op: str
    """The builtin's name, such as CONV_2D, or that of a custom operator."""
    version: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def operators(data: bytes) -> tuple[Operator, ...]:
    """The operators of `data`, the bytes of a valid .tflite, in file order."""
    model = schema.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    tensors = [_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())]

    def pick(count: int, at: object) -> tuple[Tensor, ...]:
        indices = (at(i) for i in range(count))  # type: ignore[operator]
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
        found.append(Operator(index, name, code.Version(), inputs, pick(operator.OutputsLength(), operator.Outputs)))
    return tuple(found)


def _tensor(model: schema.Model, tensor: schema.Tensor) -> Tensor:
    shape = tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))
    constant = model.Buffers(tensor.Buffer()).DataLength() > 0
    return Tensor((tensor.Name() or b"").decode(), _TYPES[tensor.Type()], shape, constant)
