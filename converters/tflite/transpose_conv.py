"""MediaPipe's custom transposed convolution, written as the builtin that every runtime has."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.objects import add_tensor, make_constant, operator_code
from edgeseg.errors import ModelError

CUSTOM = b"Convolution2DTransposeBias"
_PADDINGS = {1: schema.Padding.SAME, 2: schema.Padding.VALID}
"""`TfLitePadding` of the C API to the schema's."""
_VERSION = 3
"""Of TRANSPOSE_CONV: the first that takes a bias."""


def use_builtin_transpose_conv(model: Any) -> None:
    """Replace, in place, each `Convolution2DTransposeBias` by TRANSPOSE_CONV with a bias.

    The custom operator reads (input, weights, bias), with weights as (out, height, width, in),
    the order of the builtin's too, and has a `TfLiteTransposeConvParams` for options: padding,
    stride width, stride height, each an int32.
    """
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].customCode != CUSTOM:
            continue
        try:
            padding, width, height = struct.unpack_from("<3i", bytes(operator.customOptions))
            options = schema.TransposeConvOptionsT()
            options.padding, options.strideW, options.strideH = _PADDINGS[padding], width, height
            image, weights, bias = operator.inputs
        except (struct.error, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the options of {CUSTOM.decode()} are damaged; fetch the model again") from error
        output = graph.tensors[operator.outputs[0]]
        shape = add_tensor(model, f"{output.name.decode()}/output_shape", schema.TensorType.INT32, [4])
        make_constant(model, graph.tensors[shape], np.array(output.shape, np.int32))
        operator.inputs = [shape, weights, image, bias]
        operator.opcodeIndex = operator_code(model, schema.BuiltinOperator.TRANSPOSE_CONV, _VERSION)
        operator.builtinOptions, operator.builtinOptionsType = options, schema.BuiltinOptions.TransposeConvOptions
        operator.customOptions = None
