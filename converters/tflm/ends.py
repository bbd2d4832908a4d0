"""The inputs and outputs of a .tflite, as firmware has to know them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

from edgeseg.errors import ModelError

CPP_TYPES = {
    schema.TensorType.FLOAT32: "float",
    schema.TensorType.INT8: "std::int8_t",
    schema.TensorType.UINT8: "std::uint8_t",
    schema.TensorType.INT16: "std::int16_t",
    schema.TensorType.INT32: "std::int32_t",
    schema.TensorType.INT64: "std::int64_t",
    schema.TensorType.BOOL: "bool",
}
"""By the schema's code; firmware gets by without the others."""


@dataclass(frozen=True)
class End:
    """One input or output tensor."""

    cpp_type: str
    shape: tuple[int, ...]
    scale: float
    """0 where the values are not quantized."""
    zero_point: int


def ends(data: bytes) -> tuple[tuple[End, ...], tuple[End, ...]]:
    """Inputs and outputs of the main graph, in its order; raises ModelError for types that no C++ has."""
    try:
        graph = schema.Model.GetRootAsModel(data, 0).Subgraphs(0)
        inputs = tuple(_end(graph.Tensors(graph.Inputs(i))) for i in range(graph.InputsLength()))
        outputs = tuple(_end(graph.Tensors(graph.Outputs(i))) for i in range(graph.OutputsLength()))
    except (struct.error, LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"the model is damaged ({type(error).__name__}); convert it again") from error
    return inputs, outputs


def _end(tensor: schema.Tensor) -> End:
    if tensor.Type() not in CPP_TYPES:
        raise ModelError("an input or output has a type that C++ lacks; convert it with  --scheme int8")
    shape = tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))
    quantization = tensor.Quantization()
    if quantization is None or quantization.ScaleLength() == 0:
        return End(CPP_TYPES[tensor.Type()], shape, 0.0, 0)
    zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    return End(CPP_TYPES[tensor.Type()], shape, float(quantization.Scale(0)), zero_point)
