from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converters import proof
from converters.litert import calibrate, quantize
from converters.tflite.integer_ends import integer_ends
from converters.tflite.normalize import normalize
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, UsageError


def ends(data: bytes) -> tuple[Any, Any]:
    interpreter = Interpreter(model_content=data)
    return interpreter.get_input_details()[0], interpreter.get_output_details()[0]


@pytest.fixture
def net(plain_net: bytes) -> bytes:
    return normalize(plain_net)


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero"),
    [(0, 1, 1 / 255, 0), (0, 255, 1, 0), (-1, 1, 2 / 255, 128)],
)
def test_a_declared_range_lets_raw_pixels_in(net, images, low, high, scale, zero):
    name = operators(net)[0].inputs[0].name
    data = integer_ends(quantize(net, calibrate(net, images(2)).declared(name, low, high), "int8"))
    entrance, exit_ = ends(data)
    assert entrance["dtype"] == np.uint8
    assert entrance["quantization"][0] == pytest.approx(scale)
    assert abs(entrance["quantization"][1] - zero) <= (low < 0)  # the middle of 256 values is between two
    assert entrance["name"] == name
    assert exit_["dtype"] == np.int8
    proof.all_integer(data)


def test_uint8_and_int8_ends_give_the_same(net, images, run_tflite):
    name = operators(net)[0].inputs[0].name
    inner = quantize(net, calibrate(net, images(4)).declared(name, 0, 1), "int8")
    image = next(images(1, seed=5))["image"]
    by_pixels, by_signed = integer_ends(inner), integer_ends(inner, "int8")
    assert [ends(each)[0]["dtype"] for each in (by_pixels, by_signed)] == [np.uint8, np.int8]
    np.testing.assert_array_equal(run_tflite(by_pixels, image), run_tflite(by_signed, image))
    assert integer_ends(by_pixels, "int8") == integer_ends(by_signed, "int8")
    assert np.ptp(run_tflite(by_pixels, image)) > 0.1


def test_float_ends_of_other_converters_become_integers(run_tflite, images):
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, 16, 16, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([frame["image"]] for frame in images(4, (1, 16, 16, 3)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with_floats = bytes(converter.convert())
    assert [each["dtype"] for each in ends(with_floats)] == [np.float32, np.float32]
    data = integer_ends(with_floats)
    assert [each["dtype"] for each in ends(data)] == [np.uint8, np.int8]
    assert [each.op for each in operators(data)] == ["QUANTIZE", "CONV_2D"]
    image = next(images(1, (1, 16, 16, 3), seed=5))["image"]
    np.testing.assert_allclose(run_tflite(data, image), run_tflite(with_floats, image), atol=1e-6)
    runner = Interpreter(model_content=data).get_signature_runner()
    assert [each["dtype"] for each in runner.get_input_details().values()] == [np.uint8]


def test_an_output_computed_in_float_stays_float(net, images):
    last = operators(net)[-1].outputs[0].name
    data = integer_ends(quantize(net, calibrate(net, images(2)), "int8", [last]))
    assert [each["dtype"] for each in ends(data)] == [np.uint8, np.float32]


def test_a_float_model_is_refused(net):
    with pytest.raises(ConversionError, match="is not quantized at once"):
        integer_ends(net)


def test_an_unknown_type_is_refused(net):
    with pytest.raises(UsageError, match="known are uint8, int8"):
        integer_ends(net, "int16")
