"""A .tflite as objects that can be changed, and back."""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

from edgeseg.errors import ModelError

ALIGNMENT = 16
"""Bytes at whose multiples a constant must start, as the schema asks; microcontrollers depend on it."""
ABSENT = -1
"""Index of an optional tensor that an operator does without."""
_NUMPY: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype("<f4"),
    schema.TensorType.FLOAT16: np.dtype("<f2"),
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT64: np.dtype("<i8"),
    schema.TensorType.INT16: np.dtype("<i2"),
    schema.TensorType.INT8: np.dtype("i1"),
    schema.TensorType.UINT8: np.dtype("u1"),
    schema.TensorType.BOOL: np.dtype("?"),
}
_TYPES = {dtype: code for code, dtype in _NUMPY.items()}


def read(data: bytes) -> Any:
    """The `ModelT` of a .tflite; raises ModelError where the bytes are none, or damaged."""
    if data[4:8] != b"TFL3":
        raise ModelError("this is not a TFLite model; give a .tflite file")
    try:
        return flatbuffer_utils.read_model_from_bytearray(data)
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise ModelError("the model is damaged; fetch or export it again") from error


def write(model: Any) -> bytes:
    """The bytes of a `ModelT`, without what no operator needs: tensors, buffers, operator codes.

    A model of several subgraphs is written with all that it has.
    """
    if len(model.subgraphs) == 1:
        _drop_unused(model)
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def builtin(model: Any, operator: Any) -> int:
    """The `BuiltinOperator` code of an operator; old files keep it in a field of one byte."""
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def operator_code(model: Any, code: int, version: int) -> int:
    """Index of the operator code, added where the model has none like it."""
    for index, known in enumerate(model.operatorCodes):
        if (max(known.builtinCode, known.deprecatedBuiltinCode), known.version) == (code, version):
            return index
    added = schema.OperatorCodeT()
    added.builtinCode, added.deprecatedBuiltinCode, added.version = code, min(code, 127), version
    model.operatorCodes.append(added)
    return len(model.operatorCodes) - 1


def is_constant(model: Any, tensor: Any) -> bool:
    """True where the file holds the tensor's values."""
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def make_constant(model: Any, tensor: Any, content: NDArray[Any]) -> None:
    """Give `tensor` the values, shape and type of `content`, in a buffer of its own."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(content).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer, tensor.type = len(model.buffers) - 1, _TYPES[content.dtype]
    tensor.shape, tensor.shapeSignature = list(content.shape), None


def add_tensor(model: Any, name: str, code: int, shape: list[int]) -> int:
    """Append a tensor of `TensorType` `code` without values to the main graph; returns its index."""
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer = name.encode(), code, shape, 0
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that is packed where `ALIGNMENT` asks; the generated one forgets it."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802  # the schema's name
        packed = None
        if self.data is not None and len(self.data):
            content = bytes(self.data)
            builder.StartVector(1, len(content), ALIGNMENT)
            start = builder.head - len(content)
            builder.Bytes[start : builder.head] = content
            builder.head = start
            packed = builder.EndVector()
        schema.BufferStart(builder)
        if packed is not None:
            schema.BufferAddData(builder, packed)
        return schema.BufferEnd(builder)


def _drop_unused(model: Any) -> None:
    graph = model.subgraphs[0]
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used |= {*operator.inputs, *operator.outputs}
    kept = sorted(index for index in used if index != ABSENT)
    tensor_at = {old: new for new, old in enumerate(kept)} | {ABSENT: ABSENT}
    graph.tensors = [graph.tensors[index] for index in kept]
    for holder in (graph, *graph.operators):
        holder.inputs = [tensor_at[index] for index in holder.inputs]
        holder.outputs = [tensor_at[index] for index in holder.outputs]
    for signature in model.signatureDefs or []:
        for end in (*signature.inputs, *signature.outputs):
            end.tensorIndex = tensor_at[end.tensorIndex]

    entries = model.metadata or []
    buffers = sorted({0, *(tensor.buffer for tensor in graph.tensors), *(entry.buffer for entry in entries)})
    buffer_at = {old: new for new, old in enumerate(buffers)}
    model.buffers = [model.buffers[index] for index in buffers]
    model.metadataBuffer = None
    for holder in (*graph.tensors, *entries):
        holder.buffer = buffer_at[holder.buffer]

    codes = sorted({operator.opcodeIndex for operator in graph.operators})
    code_at = {old: new for new, old in enumerate(codes)}
    model.operatorCodes = [model.operatorCodes[index] for index in codes]
    for operator in graph.operators:
        operator.opcodeIndex = code_at[operator.opcodeIndex]
