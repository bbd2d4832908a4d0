"""A float model made by others, brought to the plain form that every runtime and quantizer reads."""

from __future__ import annotations

import struct
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from converters.tflite.fold import fold_constants, open_plain
from converters.tflite.fuse import fuse_activations
from converters.tflite.objects import builtin, is_constant, read, write
from converters.tflite.transpose_conv import use_builtin_transpose_conv
from edgeseg.errors import ModelError

SIGNATURE = "serving_default"
_TYPE = schema.TensorType
_NAMES = {code: name.lower() for name, code in vars(_TYPE).items() if isinstance(code, int)}


def normalize(data: bytes) -> bytes:
    """A float .tflite with one input to an equivalent float32 one without surprises.

    Half-precision weights become float32, shape arithmetic becomes constants, a dynamic batch
    becomes 1, MediaPipe's custom transposed convolution becomes the builtin, RELU and RELU6
    join the operator before them, every tensor gets a name of its own, and the model a
    signature. The result was run once, without XNNPACK. Raises ModelError for a model that is
    quantized, has several subgraphs or inputs, a batch other than 1, an input of unknown size,
    or operators that LiteRT does not know.
    """
    try:
        return _normalize(read(data))
    except ModelError:
        raise
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise ModelError(f"the model is damaged ({type(error).__name__}); fetch or export it again") from error


def _normalize(model: Any) -> bytes:
    _check(model)
    _settle_shapes(model)
    use_builtin_transpose_conv(model)
    _refuse_custom(model)
    fold_constants(model)
    fuse_activations(model)
    _only_float32(model)
    _name(model)
    return _with_true_shapes(write(model))


def _check(model: Any) -> None:
    if len(model.subgraphs) != 1:
        raise ModelError(f"the model has {len(model.subgraphs)} subgraphs; export its inference function alone")
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1:
        raise ModelError(f"the model has {len(graph.inputs)} inputs; edgeseg feeds one image: export it so")
    for tensor in graph.tensors:
        if tensor.quantization is not None and tensor.quantization.scale:
            raise ModelError(
                f"the model is already quantized (at '{_text(tensor.name)}'); give the float model it came from"
            )
    tensor = graph.tensors[graph.inputs[0]]
    if tensor.type != _TYPE.FLOAT32:
        raise ModelError(f"the model takes {_NAMES[tensor.type]}; give the float32 model it came from")


def _settle_shapes(model: Any) -> None:
    """Fix the batch at 1; refuse any other length that the file leaves open."""
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.inputs[0]]
    shape = list(tensor.shape or [])
    open_lengths = [length < 1 for length in tensor.shapeSignature or shape]
    if any(open_lengths[1:]) or len(shape) != 4:
        raise ModelError(f"the model takes {shape}; export it with a fixed height and width")
    if shape[0] > 1:
        raise ModelError(f"the model takes {shape[0]} images at once; export it with batch size 1")
    for each in graph.tensors:
        if each.shapeSignature is not None:
            each.shape = [1 if length < 1 else length for length in each.shape or []]
            each.shapeSignature = None
    tensor.shape = [1, *shape[1:]]


def _refuse_custom(model: Any) -> None:
    for operator in model.subgraphs[0].operators:
        if builtin(model, operator) == schema.BuiltinOperator.CUSTOM:
            name = _text(model.operatorCodes[operator.opcodeIndex].customCode)
            raise ModelError(f"the model has the custom operator {name}; export it with builtin operators alone")


def _only_float32(model: Any) -> None:
    graph = model.subgraphs[0]
    for operator in graph.operators:
        for index in operator.outputs:
            if graph.tensors[index].type == _TYPE.FLOAT16:
                raise ModelError(f"'{_text(graph.tensors[index].name)}' is float16; export the model as float32")
    for tensor in graph.tensors:
        tensor.quantization = None  # recorded extremes, of use to nobody from here on


def _name(model: Any) -> None:
    """Tensors and signature get names: the quantizer knows tensors by them alone."""
    graph = model.subgraphs[0]
    taken: set[str] = set()
    for index, tensor in enumerate(graph.tensors):
        name = _text(tensor.name) or f"tensor_{index}"
        while name in taken:
            name = f"{name}_{index}"
        taken.add(name)
        tensor.name = name.encode()
    if not model.signatureDefs:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE.encode(), 0
        signature.inputs = [_end(graph, index) for index in graph.inputs]
        signature.outputs = [_end(graph, index) for index in graph.outputs]
        model.signatureDefs = [signature]


def _end(graph: Any, index: int) -> Any:
    end = schema.TensorMapT()
    end.name, end.tensorIndex = graph.tensors[index].name, index
    return end


def _with_true_shapes(data: bytes) -> bytes:
    """Run the model once and write into it the shapes that its tensors really had."""
    interpreter = open_plain(data, preserve=True)
    model = read(data)
    graph = model.subgraphs[0]
    for details in interpreter.get_tensor_details():
        if details["index"] < len(graph.tensors):
            tensor = graph.tensors[details["index"]]
            if not is_constant(model, tensor):
                tensor.shape = [int(length) for length in details["shape"]]
    return write(model)


def _text(name: bytes | None) -> str:
    return (name or b"").decode(errors="replace")
