"""What the Edge TPU compiler does with one operator, as rules.

The compiler is frozen at version 16.0. The rules are those of Coral's table "Supported
operations" (coral.ai/docs/edgetpu/models-intro), corrected by what published compiled
models show. Reasons are the compiler's own words where it has any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from converters.tflite.operators import Operator, Tensor

MAPPED = "Mapped to Edge TPU"
UNSUPPORTED = "Operation not supported"
DATA_TYPE = "Operation is working on an unsupported data type"
LIMITATION = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
SUBGRAPH = "More than one subgraph is not supported"

MAX_VERSIONS = {
    "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6,
    "FULLY_CONNECTED": 9,
    "TRANSPOSE_CONV": 3,
    "TILE": 2,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "SOFTMAX": 3,
}
"""Versions that the compiler's front end registers; a higher one stops the whole compilation."""

LARGEST_BILINEAR = 48 * 48
LARGEST_NEAREST = 80 * 80
LARGEST_MEAN = 128 * 128
LARGEST_SOFTMAX = 16_000
"""Pixels of output, of output and of input, and elements, that are still mapped."""


@dataclass(frozen=True)
class Verdict:
    """Why an operator stays on the CPU."""

    reason: str
    edit: str
    """What to change in the network or the export."""
    certain: bool = True
    """Documented or seen in compiled models; else inferred from neighbours."""


Rule = Callable[[Operator], Verdict | None]

TO_HOST = "take the argmax on the host: edgeseg quantize … --output logits"
COARSER = "end the network at a coarser stride and resize on the host: edgeseg quantize … --output logits"
RELU6 = "use ReLU6 in its place"
FULL_INT8 = "quantize every operator: edgeseg quantize … --scheme int8"
NONE = 0
"""The schema's value for no fused activation."""


def activations(operator: Operator) -> list[Tensor]:
    """Tensors that are computed, in and out."""
    return [tensor for tensor in (*operator.inputs, *operator.outputs) if not tensor.constant]


def _pixels(tensor: Tensor) -> int:
    return prod(tensor.shape[1:3])


def _resize(limit: int) -> Rule:
    def rule(operator: Operator) -> Verdict | None:
        source, result = operator.inputs[0], operator.outputs[0]
        if _pixels(source) == 1:
            return Verdict(LIMITATION, "add the pooled branch by broadcasting, without resizing it")
        if _pixels(result) > limit:
            return Verdict(LIMITATION, COARSER, certain=_pixels(result) > 4 * limit)
        return None

    return rule


def _convolution(operator: Operator) -> Verdict | None:
    options = operator.options
    if not operator.inputs[1].constant:
        return Verdict(LIMITATION, "give the layer constant weights")
    if options.get("DilationWFactor", 1) != options.get("DilationHFactor", 1):
        return Verdict(LIMITATION, "use the same dilation in both directions")
    return None


def _unfused(operator: Operator) -> Verdict | None:
    if operator.options.get("FusedActivationFunction", NONE) != NONE:
        return Verdict(LIMITATION, "put the activation before this layer", certain=False)
    return None


def _concatenation(operator: Operator) -> Verdict | None:
    if any(tensor.constant for tensor in operator.inputs):
        return Verdict(LIMITATION, "concatenate computed tensors only", certain=False)
    return _unfused(operator)


def _fully_connected(operator: Operator) -> Verdict | None:
    if not operator.inputs[1].constant:
        return Verdict(LIMITATION, "give the layer constant weights")
    if prod(operator.outputs[0].shape[:-1]) > 1:
        return Verdict(LIMITATION, "write it as a 1x1 convolution", certain=False)
    return None


def _softmax(operator: Operator) -> Verdict | None:
    shape = operator.inputs[0].shape
    if prod(shape[:-1]) > 1 or shape[-1] > LARGEST_SOFTMAX:
        return Verdict(LIMITATION, "leave softmax out: the largest score is the same without it")
    return None


def _mean(operator: Operator) -> Verdict | None:
    source, axes = operator.inputs[0], operator.inputs[1].values
    rank = len(source.shape)
    if any(axis % rank == 0 for axis in axes):
        return Verdict(LIMITATION, "do not reduce over the batch")
    if rank == 4 and any(axis % rank == 3 for axis in axes):
        return Verdict(LIMITATION, "reduce over height and width only", certain=False)
    if rank == 4 and _pixels(source) > LARGEST_MEAN:
        return Verdict(LIMITATION, "reduce over a smaller map", certain=False)
    return None


def _no_batch_axis(operator: Operator) -> Verdict | None:
    rank = len(operator.inputs[0].shape)
    axes = [tensor.values[0] for tensor in operator.inputs if tensor.constant and len(tensor.values) == 1]
    if "Axis" in operator.options:
        axes = [operator.options["Axis"]]
    if rank > 1 and any(axis % rank == 0 for axis in axes):
        return Verdict(LIMITATION, "use another axis than the batch")
    return None


def _strided_slice(operator: Operator) -> Verdict | None:
    strides = operator.inputs[3].values if len(operator.inputs) > 3 else ()
    masks = operator.options.get("EllipsisMask", 0) or operator.options.get("NewAxisMask", 0)
    if any(stride != 1 for stride in strides) or masks:
        return Verdict(LIMITATION, "slice with stride 1")
    return None


def _prelu(operator: Operator) -> Verdict | None:
    slope = operator.inputs[1]
    if not slope.constant or prod(slope.shape[:-1]) > 1:
        return Verdict(LIMITATION, "share the slope over height and width: PReLU(shared_axes=[1, 2])")
    return None


def _always(operator: Operator) -> Verdict | None:
    return None


SUPPORTED: dict[str, Rule] = {
    "ADD": _always,
    "AVERAGE_POOL_2D": _unfused,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "EXPAND_DIMS": _always,
    "FULLY_CONNECTED": _fully_connected,
    "L2_NORMALIZATION": _always,
    "LOGISTIC": _always,
    "MAXIMUM": _always,
    "MAX_POOL_2D": _unfused,
    "MEAN": _mean,
    "MINIMUM": _always,
    "MUL": _always,
    "PACK": _no_batch_axis,
    "PAD": _always,
    "PRELU": _prelu,
    "QUANTIZE": _always,
    "REDUCE_MAX": _mean,
    "REDUCE_MIN": _mean,
    "RELU": _always,
    "RELU6": _always,
    "RELU_N1_TO_1": _always,
    "RESHAPE": _always,
    "RESIZE_BILINEAR": _resize(LARGEST_BILINEAR),
    "RESIZE_NEAREST_NEIGHBOR": _resize(LARGEST_NEAREST),
    "RSQRT": _always,
    "SLICE": _always,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _always,
    "SPLIT": _no_batch_axis,
    "SQUARED_DIFFERENCE": _always,
    "SQUEEZE": _always,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _always,
    "SUM": _mean,
    "TANH": _always,
    "TILE": _always,
    "TRANSPOSE": _always,
    "TRANSPOSE_CONV": _always,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _always,
}

EDITS = {
    "ARG_MAX": TO_HOST,
    "CAST": "feed raw uint8 pixels: edgeseg quantize … --input uint8",
    "DEQUANTIZE": FULL_INT8,
    "GELU": RELU6,
    "HARD_SWISH": RELU6,
    "LEAKY_RELU": "use ReLU6, or PReLU(shared_axes=[1, 2])",
    "ELU": RELU6,
    "DEPTH_TO_SPACE": "upsample with a transposed convolution",
}
SEEN_ON_CPU = frozenset({*EDITS, "GATHER_ND", "UNPACK", "DIV", "SQRT", "FLOOR_DIV", "BATCH_MATMUL", "GATHER"})


def verdict(operator: Operator) -> Verdict | None:
    """Why the compiler leaves `operator` on the CPU by itself, or None where it maps it."""
    computed = activations(operator)
    allowed = {"int8", "uint8", "int16"} if operator.op == "UNIDIRECTIONAL_SEQUENCE_LSTM" else {"int8", "uint8"}
    if operator.op not in SUPPORTED:
        edit = EDITS.get(operator.op, "run it on the host, or use another layer")
        return Verdict(UNSUPPORTED, edit, certain=operator.op in SEEN_ON_CPU or not operator.op.isupper())
    if any(tensor.dtype not in allowed for tensor in computed):
        return Verdict(DATA_TYPE, FULL_INT8)
    if any(len(tensor.shape) > 4 or (len(tensor.shape) == 4 and tensor.shape[0] != 1) for tensor in computed):
        return Verdict(RANK, "keep batch 1 and at most height, width and channels")
    return SUPPORTED[operator.op](operator)
