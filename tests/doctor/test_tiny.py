"""How the model that doctor runs is made: by hand, so that its bytes never change."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeseg.doctor.child import TINY
from edgeseg.segmenter import Segmenter

SIDE = 8
WEIGHTS = np.array([[0, 0, 16], [16, 0, 0]], np.int8)
"""Scores by class and colour (RGB): class 0 goes with blue, class 1 with red."""


def tensor(name: str, shape: list[int], kind: int, buffer: int, scales: list[float], zero: int = 0) -> schema.TensorT:
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, shape, kind, buffer
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale = scales
    made.quantization.zeroPoint = [zero] * len(scales)
    return made


def made() -> bytes:
    """One 1x1 convolution in int8, as XNNPACK takes it."""
    kinds = schema.TensorType
    conv = schema.Conv2DOptionsT()
    conv.padding, conv.strideH, conv.strideW = schema.Padding.SAME, 1, 1
    conv.dilationHFactor = conv.dilationWFactor = 1
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Conv2DOptions, conv
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("image", [1, SIDE, SIDE, 3], kinds.INT8, 0, [1 / 255], -128),
        tensor("weights", [2, 1, 1, 3], kinds.INT8, 1, [0.0625, 0.0625]),
        tensor("bias", [2], kinds.INT32, 2, [0.0625 / 255, 0.0625 / 255]),
        tensor("scores", [1, SIDE, SIDE, 2], kinds.INT8, 0, [1 / 255], -128),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [3], [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 3
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT() for _ in range(3)]
    model.buffers[1].data = WEIGHTS.view(np.uint8).ravel()
    model.buffers[2].data = np.zeros(8, np.uint8)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_the_model_is_the_one_that_is_made_here() -> None:
    assert TINY.read_bytes() == made()


@pytest.mark.parametrize("runtime", ["litert", "reference"])
def test_it_tells_red_from_blue(runtime: str) -> None:
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    frame[2:5, 3:, 2] = 255
    frame[6:, :, 0] = 255
    mask = Segmenter(TINY, runtime=runtime)(frame)
    assert mask[2:5, 3:].all()
    assert mask.sum() == 3 * 5


if __name__ == "__main__":  # after an edit:  python tests/doctor/test_tiny.py
    TINY.write_bytes(made())
