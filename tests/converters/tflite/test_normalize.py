from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.tflite import objects
from converters.tflite.normalize import normalize
from converters.tflite.operators import operators
from edgeseg.errors import ModelError

CODES = schema.BuiltinOperator


def portrait() -> np.ndarray:
    """A drawn head and shoulders before a wall, in which the model sees a person."""
    image = np.full((256, 256, 3), (200, 210, 215), np.uint8)
    cv2.ellipse(image, (128, 250), (85, 90), 0, 0, 360, (40, 60, 120), -1)
    cv2.ellipse(image, (128, 110), (42, 55), 0, 0, 360, (225, 180, 150), -1)
    cv2.ellipse(image, (128, 75), (45, 30), 0, 180, 360, (60, 40, 30), -1)
    for x in (112, 144):
        cv2.circle(image, (x, 105), 5, (40, 30, 30), -1)
    image = cv2.GaussianBlur(image, (5, 5), 0).astype(np.float32) / 255
    return image[None]


def ops(data: bytes) -> list[str]:
    return [operator.op for operator in operators(data)]


def changed(data: bytes, change: Any) -> bytes:
    model = objects.read(data)
    change(model)
    return objects.write(model)


def code_of(model: Any, code: int) -> Any:
    return next(each for each in model.subgraphs[0].operators if objects.builtin(model, each) == code)


class TestMediapipe:
    def test_half_precision_and_custom_operators_are_gone(self, selfie):
        before, after = selfie.read_bytes(), normalize(selfie.read_bytes())
        assert ops(before).count("DEQUANTIZE") == 110
        assert "Convolution2DTransposeBias" in ops(before)
        assert not {"DEQUANTIZE", "RELU", "Convolution2DTransposeBias"} & set(ops(after))
        found = operators(after)
        assert [each.version for each in found if each.op == "TRANSPOSE_CONV"] == [3]
        assert {t.dtype for each in found for t in (*each.inputs, *each.outputs)} == {"float32", "int32"}

    @pytest.mark.parametrize("xnnpack", [True, False])
    def test_the_mask_is_the_same_with_and_without_xnnpack(self, selfie, run_tflite, xnnpack):
        image = portrait()
        expected = run_tflite(selfie.read_bytes(), image)
        assert expected.max() > 0.9  # it sees somebody, so that the comparison says something
        assert expected.min() < 0.1
        found = run_tflite(normalize(selfie.read_bytes()), image, xnnpack)
        np.testing.assert_allclose(found, expected, atol=1e-3)

    def test_it_gets_a_signature(self, selfie):
        model = objects.read(normalize(selfie.read_bytes()))
        (signature,) = model.signatureDefs
        assert signature.signatureKey == b"serving_default"
        assert [end.name for end in signature.inputs] == [b"input_1"]
        assert [end.tensorIndex for end in signature.outputs] == list(model.subgraphs[0].outputs)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "strides"), [((2, 2), (2, 2)), ((3, 4), (2, 1))])
def test_a_custom_transposed_convolution_means_the_same_as_the_builtin(to_tflite, run_tflite, padding, kernel, strides):
    from keras import layers

    def build(x: Any) -> Any:
        return layers.Conv2DTranspose(5, kernel, strides, padding, bias_initializer="random_normal")(x)

    def disguise(model: Any) -> None:
        operator = code_of(model, CODES.TRANSPOSE_CONV)
        options = operator.builtinOptions
        _, weights, image, bias = operator.inputs
        operator.inputs = [image, weights, bias]
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = CODES.CUSTOM
        code.customCode = b"Convolution2DTransposeBias"
        model.operatorCodes.append(code)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        values = struct.pack("<3i", 1 + options.padding, options.strideW, options.strideH)
        operator.customOptions, operator.builtinOptions = list(values), None
        operator.builtinOptionsType = schema.BuiltinOptions.NONE

    image = np.random.default_rng(0).random((1, 6, 7, 3), np.float32)
    builtin = to_tflite((1, 6, 7, 3), build)
    custom = changed(builtin, disguise)
    assert ops(custom) == ["Convolution2DTransposeBias"]
    expected = run_tflite(custom, image)
    np.testing.assert_allclose(expected, run_tflite(builtin, image), atol=1e-5)
    np.testing.assert_allclose(run_tflite(normalize(custom), image, xnnpack=False), expected, atol=1e-5)


def test_a_dynamic_batch_becomes_one_and_shape_arithmetic_constants(to_tflite, run_tflite):
    from keras import layers

    def build(x: Any) -> Any:
        x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
        return layers.Conv2DTranspose(2, 3, strides=2, padding="same")(x)

    dynamic = to_tflite((None, 16, 20, 3), build)
    assert "SHAPE" in ops(dynamic)
    static = normalize(dynamic)
    assert ops(static) == ["CONV_2D", "TRANSPOSE_CONV"]
    graph = objects.read(static).subgraphs[0]
    assert [graph.tensors[i].shape for i in (*graph.inputs, *graph.outputs)] == [[1, 16, 20, 3], [1, 16, 20, 2]]
    assert all(tensor.shapeSignature is None for tensor in graph.tensors)
    image = np.random.default_rng(0).random((1, 16, 20, 3), np.float32)
    np.testing.assert_allclose(run_tflite(static, image), run_tflite(dynamic, image), atol=1e-5)


def test_half_precision_weights_become_float32(to_tflite, run_tflite, plain_net, images):
    from converters.litert import quantize

    half = quantize(normalize(plain_net), None, "float16")
    assert "DEQUANTIZE" in ops(half)
    (image,) = (frame["image"] for frame in images(1))
    plain = normalize(half)
    assert "DEQUANTIZE" not in ops(plain)
    np.testing.assert_allclose(run_tflite(plain, image), run_tflite(half, image), atol=1e-5)


def test_a_relu_joins_the_operator_before_it_unless_somebody_reads_between(to_tflite, run_tflite):
    from keras import layers

    def build(x: Any) -> Any:
        between = layers.Conv2D(4, 3, name="between")(x)
        return layers.Concatenate()([between, layers.ReLU()(between)])

    shared = to_tflite((1, 8, 8, 3), build)
    assert ops(shared).count("RELU") == 1
    assert ops(normalize(shared)).count("RELU") == 1

    def cut(model: Any) -> None:  # give out what follows the RELU alone
        graph = model.subgraphs[0]
        relu = code_of(model, CODES.RELU)
        graph.operators = [each for each in graph.operators if objects.builtin(model, each) != CODES.CONCATENATION]
        graph.outputs = list(relu.outputs)
        model.signatureDefs = None

    alone = changed(shared, cut)
    assert ops(alone) == ["CONV_2D", "RELU"]
    fused = normalize(alone)
    assert ops(fused) == ["CONV_2D"]
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32) - 0.5
    np.testing.assert_allclose(run_tflite(fused, image), run_tflite(alone, image), atol=1e-5)
    assert (run_tflite(fused, image) == 0).any()


def test_tensors_get_names_of_their_own(plain_net):
    def anonymous(model: Any) -> None:
        for number, tensor in enumerate(model.subgraphs[0].tensors):
            tensor.name = b"" if number % 2 else b"same"

    tensors = objects.read(normalize(changed(plain_net, anonymous))).subgraphs[0].tensors
    names = [tensor.name for tensor in tensors]
    assert b"" not in names
    assert len(set(names)) == len(names)


def test_constants_start_where_microcontrollers_need_them(plain_net):
    data = normalize(plain_net)
    model = schema.Model.GetRootAs(data)
    starts = [
        model.Buffers(i)._tab.Vector(model.Buffers(i)._tab.Offset(4))
        for i in range(model.BuffersLength())
        if model.Buffers(i).DataLength()
    ]
    assert len(starts) > 5
    assert {start % objects.ALIGNMENT for start in starts} == {0}


def test_normalizing_twice_changes_nothing(plain_net):
    once = normalize(plain_net)
    assert normalize(once) == once


class TestRefusals:
    def test_a_quantized_model(self, plain_net, images):
        from converters.litert import calibrate, quantize

        plain = normalize(plain_net)
        integer = quantize(plain, calibrate(plain, images(2)), "int8")
        with pytest.raises(ModelError, match="give the float model it came from"):
            normalize(integer)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((1, None, None, 3), "fixed height and width"),
            ((2, 8, 8, 3), "takes 2 images"),
        ],
    )
    def test_other_sizes(self, to_tflite, shape, message):
        from keras import layers

        with pytest.raises(ModelError, match=message):
            normalize(to_tflite(shape, layers.Conv2D(2, 3)))

    def test_two_inputs(self, plain_net):
        def widen(model: Any) -> None:
            graph = model.subgraphs[0]
            graph.inputs = [*graph.inputs, objects.add_tensor(model, "second", schema.TensorType.FLOAT32, [1])]

        with pytest.raises(ModelError, match="has 2 inputs"):
            normalize(changed(plain_net, widen))

    def test_several_subgraphs(self, plain_net):
        def double(model: Any) -> None:
            model.subgraphs = [model.subgraphs[0], model.subgraphs[0]]

        with pytest.raises(ModelError, match="2 subgraphs"):
            normalize(changed(plain_net, double))

    def test_an_unknown_custom_operator_by_name(self, plain_net):
        def disguise(model: Any) -> None:
            operator = code_of(model, CODES.DEPTHWISE_CONV_2D)
            code = model.operatorCodes[operator.opcodeIndex]
            code.builtinCode = code.deprecatedBuiltinCode = CODES.CUSTOM
            code.customCode = b"Mystery"

        with pytest.raises(ModelError, match="Mystery"):
            normalize(changed(plain_net, disguise))

    @pytest.mark.parametrize("data", [b"", b"nonsense that is long enough", b"\x20\0\0\0TFL3" + b"\xff" * 60])
    def test_what_is_no_model(self, data):
        with pytest.raises(ModelError):
            normalize(data)

    def test_a_file_with_damaged_bytes_or_none_but_nothing_else(self, plain_net):
        rng = np.random.default_rng(0)
        refused = 0
        for _ in range(60):
            data = bytearray(plain_net)
            for at in rng.integers(len(data) - 6000, len(data), 4):
                data[at] = rng.integers(256)
            try:
                normalize(bytes(data))
            except ModelError:
                refused += 1
        assert refused > 10

    def test_a_torn_file(self, plain_net):
        with pytest.raises(ModelError):
            normalize(plain_net[: len(plain_net) // 2])
