"""What TensorFlow Lite Micro knows of operators: how each is registered, and what to do without one."""

from __future__ import annotations

from converters.edgetpu.rules import FULL_INT8, RELU6, TO_HOST, activations
from converters.tflite.operators import Operator

REGISTERED = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND
    BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTH_TO_SPACE
    DEPTHWISE_CONV_2D DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS
    FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOG_SOFTMAX LOGICAL_AND LOGICAL_NOT
    LOGICAL_OR LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2
    PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR
    RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH
    TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
    """.split()  # noqa: SIM905  # a hundred quoted lines would say no more
)
"""Builtin operators for which micro_mutable_op_resolver.h (tflite-micro of August 2026) has a method."""
_SPELLING = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}
"""Methods whose name the general rule would spell otherwise."""

EDGE_TPU = "edgetpu-custom-op"
INT8_PIXELS = "feed int8 pixels: edgeseg quantize … --input int8"
EDITS = {
    "GELU": RELU6,
    "REDUCE_PROD": "run it on the host, or reduce by mean or sum",
    "TILE": "repeat by concatenating, or broadcast in the operator that reads it",
    "POW": "multiply instead",
    "RESIZE_BICUBIC": "resize bilinearly",
    "CONV_3D": "use 2D convolutions",
    "MAX_POOL_WITH_ARGMAX": "pool without indices and upsample with a transposed convolution",
    EDGE_TPU: "use the file that it was compiled from",
}


def add_method(op: str) -> str | None:
    """The method of MicroMutableOpResolver that registers builtin `op`; None where there is none."""
    if op not in REGISTERED:
        return None
    words = (word if word[0].isdigit() else word.capitalize() for word in op.split("_"))
    return "Add" + _SPELLING.get(op, "".join(words))


def edit(operator: Operator) -> str:
    """What to change in the network or the export where the interpreter refuses `operator`."""
    computed = {tensor.dtype for tensor in activations(operator)}
    if operator.op == "CAST":
        return TO_HOST if any(tensor.dtype == "uint8" for tensor in operator.outputs) else INT8_PIXELS
    if operator.op in REGISTERED and not computed <= {"int8", "int16", "int32", "bool"}:
        return FULL_INT8
    return EDITS.get(operator.op, "run it on the host, or use another layer")
