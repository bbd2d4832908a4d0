from __future__ import annotations

import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import proof
from converters.litert import calibrate, float_only, quantize
from converters.tflite.integer_ends import integer_ends
from converters.tflite.normalize import normalize
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, DataError, MissingExtraError, UsageError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def net(plain_net: bytes) -> bytes:
    return normalize(plain_net)


def floats(data: bytes) -> set[str]:
    """Outputs of the operators that compute in float."""
    return {
        each.outputs[0].name
        for each in operators(data)
        if each.op not in {"QUANTIZE", "DEQUANTIZE"}
        and any(t.dtype == "float32" for t in (*each.inputs, *each.outputs))
    }


class TestCalibrate:
    def test_the_extremes_are_those_of_each_frame(self, net, images, run_tflite):
        ranges = calibrate(net, images(3))
        inputs = [frame["image"] for frame in images(3)]
        outputs = [run_tflite(net, image, xnnpack=False) for image in inputs]
        last = operators(net)[-1].outputs[0].name
        first = operators(net)[0].inputs[0].name
        for name, seen in ((first, inputs), (last, outputs)):
            column = ranges.names.index(name)
            np.testing.assert_allclose(ranges.lows[:, column], [each.min() for each in seen], atol=1e-5)
            np.testing.assert_allclose(ranges.highs[:, column], [each.max() for each in seen], atol=1e-5)
            expected = (min(each.min() for each in seen), max(each.max() for each in seen))
            np.testing.assert_allclose(ranges.extremes()[name], expected, atol=1e-5)

    def test_every_activation_is_seen_and_no_weight(self, net, images):
        expected = {t.name for each in operators(net) for t in (*each.inputs, *each.outputs) if not t.constant}
        assert set(calibrate(net, images(1)).names) == expected

    def test_one_frame_at_a_time_is_held(self, net):
        born: list[weakref.ref[np.ndarray]] = []

        def stream():
            for _ in range(6):
                assert sum(each() is not None for each in born) <= 1
                image = np.random.default_rng(len(born)).random((1, 32, 32, 3), np.float32)
                born.append(weakref.ref(image))
                yield {"image": image}
                del image

        assert calibrate(net, stream()).frames == 6

    def test_a_frame_that_is_not_finite_is_refused(self, net):
        image = np.full((1, 32, 32, 3), np.nan, np.float32)
        with pytest.raises(ConversionError, match="not finite on calibration frame 1"):
            calibrate(net, [{"image": image}])

    def test_no_frames_are_refused(self, net):
        with pytest.raises(DataError, match="at least 1 frame"):
            calibrate(net, [])


class TestInt8:
    def test_every_operator_is_int8_and_the_result_close(self, net, images, run_tflite):
        data = quantize(net, calibrate(net, images(20)), "int8")
        proof.all_integer(data)
        image = next(images(1, seed=9))["image"]
        expected = run_tflite(net, image)
        assert np.abs(run_tflite(data, image) - expected).max() < 0.03 * np.ptp(expected)

    def test_the_terminal_stays_clean(self, selfie):
        script = """
import sys, numpy as np
from converters.litert import calibrate, quantize
from converters.ranges import Ranges
from converters.tflite.normalize import normalize
from converters.tflite.operators import operators
net = normalize(open(sys.argv[1], "rb").read())
names = tuple({t.name for each in operators(net) for t in (*each.inputs, *each.outputs) if not t.constant})
ones = np.ones((1, len(names)), np.float32)
quantize(net, Ranges(names, -ones, ones), "int8")
calibrate(net, [{"image": np.zeros((1, 256, 256, 3), np.float32)}])
"""
        command = [sys.executable, "-c", script, str(selfie)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

    def test_the_named_operators_stay_float_and_no_others(self, net, images):
        names = {each.outputs[0].name for each in operators(net) if each.op in {"DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"}}
        assert len(names) == 2
        data = quantize(net, calibrate(net, images(2)), "int8", names)
        assert floats(data) == names

    def test_a_name_that_looks_like_a_pattern_is_taken_as_it_is(self, net, images):
        from converters.tflite import objects

        model = objects.read(net)
        graph = model.subgraphs[0]
        named = [graph.operators[0].outputs[0], graph.operators[1].outputs[0]]
        for index, name in zip(named, (b"a.*(b)[0]+;c", b"a;c"), strict=True):
            graph.tensors[index].name = name
        net = objects.write(model)
        assert floats(quantize(net, calibrate(net, images(1)), "int8", ["a.*(b)[0]+;c"])) == {"a.*(b)[0]+;c"}

    def test_an_unknown_name_is_refused_with_the_nearest(self, net, images):
        name = operators(net)[0].outputs[0].name
        with pytest.raises(UsageError, match="nearest is"):
            quantize(net, calibrate(net, images(1)), "int8", [name + "x"])

    def test_a_dense_kernel_has_one_scale(self, to_tflite, images):
        from keras import layers

        from converters.tflite import objects

        def build(x: Any) -> Any:
            return layers.Dense(6)(layers.Flatten()(x))

        net = normalize(to_tflite((1, 8, 8, 3), build))
        model = objects.read(quantize(net, calibrate(net, images(2, (1, 8, 8, 3))), "int8"))
        graph = model.subgraphs[0]
        (dense,) = (each for each in graph.operators if objects.builtin(model, each) == 9)
        assert len(graph.tensors[dense.inputs[1]].quantization.scale) == 1

    def test_activations_that_only_the_runtime_knows_are_int8_too(self, to_tflite, images, run_tflite):
        import tensorflow as tf
        from keras import layers

        def build(x: Any) -> Any:
            x = layers.LeakyReLU(0.1)(layers.Conv2D(8, 3, strides=2, padding="same")(x))
            return layers.Lambda(lambda y: tf.nn.depth_to_space(y, 2))(x)

        net = normalize(to_tflite((1, 32, 32, 3), build))
        assert {"LEAKY_RELU", "DEPTH_TO_SPACE"} <= {each.op for each in operators(net)}
        ranges = calibrate(net, images(5))
        data = quantize(net, ranges, "int8")
        proof.all_integer(integer_ends(data))
        image = next(images(1))["image"]  # of the calibration frames, so that nothing is cut off
        for xnnpack in (True, False):
            expected = run_tflite(net, image)
            assert np.abs(run_tflite(data, image, xnnpack) - expected).max() < 0.03 * np.ptp(expected)
        leaky = next(each.outputs[0].name for each in operators(net) if each.op == "LEAKY_RELU")
        assert floats(quantize(net, ranges, "int8", [leaky])) == {leaky}

    def test_class_ids_are_taken_from_int8_scores_even_behind_a_float_operator(self, to_tflite, images, run_tflite):
        import tensorflow as tf
        from keras import layers

        def build(x: Any) -> Any:
            return layers.Lambda(lambda y: tf.argmax(y, -1, tf.int32))(layers.Conv2D(5, 3)(x))

        net = normalize(to_tflite((1, 32, 32, 3), build))
        ranges = calibrate(net, images(5))
        (scores,) = (each.outputs[0].name for each in operators(net) if each.op == "CONV_2D")
        image = next(images(1))["image"]
        for kept in ((), (scores,)):
            data = quantize(net, ranges, "int8", kept)
            (ranking,) = (each for each in operators(data) if each.op == "ARG_MAX")
            assert ranking.inputs[0].dtype == "int8"
            assert floats(data) == set(kept)
            assert np.mean(run_tflite(data, image) == run_tflite(net, image)) > 0.95

    def test_an_operator_without_int8_form_is_named_and_can_be_kept(self, to_tflite, images):
        import tensorflow as tf
        from keras import layers

        def build(x: Any) -> Any:
            return layers.Lambda(lambda y: tf.sin(y), name="wave")(layers.Conv2D(4, 3)(x))

        net = normalize(to_tflite((1, 16, 16, 3), build))
        ranges = calibrate(net, images(1, (1, 16, 16, 3)))
        with pytest.raises(ConversionError, match="no int8 SIN"):
            quantize(net, ranges, "int8")
        kept = float_only(net, ranges)
        assert len(kept) == 1
        assert floats(quantize(net, ranges, "int8", kept)) == set(kept)

    @pytest.mark.parametrize("shown", [True, False])
    def test_bits_are_not_spent_on_logits_where_the_sigmoid_is_flat(self, to_tflite, shown):
        from keras import layers

        from converters.tflite import objects

        def build(x: Any) -> Any:
            logits = layers.Conv2D(1, 1, kernel_initializer=lambda shape, dtype: np.full(shape, 1000.0, dtype))(x)
            mask = layers.Activation("sigmoid")(logits)
            return layers.Concatenate()([logits, mask]) if shown else mask

        net = normalize(to_tflite((1, 16, 16, 1), build))
        ramp = np.linspace(-0.5, 0.5, 256, dtype=np.float32).reshape(1, 16, 16, 1)
        data = quantize(net, calibrate(net, [{"image": ramp}]), "int8")
        (sigmoid,) = (each for each in operators(data) if each.op == "LOGISTIC")
        tensors = objects.read(data).subgraphs[0].tensors
        scale = next(t.quantization.scale[0] for t in tensors if t.name.decode() == sigmoid.inputs[0].name)
        assert scale == pytest.approx((1000 if shown else 2 * np.log(511)) / 255, rel=1e-3)


def test_dynamic_and_float16_make_smaller_files_that_run_alike(net, images, run_tflite):
    image = next(images(1))["image"]
    expected = run_tflite(net, image)
    for scheme, share in (("dynamic", 0.05), ("float16", 0.002)):
        data = quantize(net, None, scheme)
        kinds = {t.dtype for each in operators(data) for t in each.inputs if t.constant}
        assert {"dynamic": "int8", "float16": "float16"}[scheme] in kinds
        assert np.abs(run_tflite(data, image) - expected).max() < share * np.ptp(expected)


def test_a_model_without_weights_is_not_passed_off_as_smaller(to_tflite):
    from keras import layers

    net = normalize(to_tflite((1, 8, 8, 3), layers.AveragePooling2D(2)))
    with pytest.raises(ConversionError, match="no weights"):
        quantize(net, None, "dynamic")


def test_schemes_and_ranges_must_fit(net, images):
    with pytest.raises(UsageError, match="known schemes are int8, dynamic, float16"):
        quantize(net, None, "int4")
    with pytest.raises(UsageError, match="needs the ranges"):
        quantize(net, None, "int8")


def test_a_missing_library_names_the_extra(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_quantizer", None)
    with pytest.raises(MissingExtraError, match=r"edgeseg\[convert\]"):
        quantize(net, None, "dynamic")


@pytest.mark.slow
def test_mediapipes_model_loses_little_in_int8(selfie, shared: Path, tmp_path):
    from edgeseg.data.dataset import open_dataset
    from edgeseg.evaluate import evaluate
    from edgeseg.images import preprocess, read_frame
    from edgeseg.segmenter import Segmenter

    dataset = open_dataset(shared / "data" / "person", ())
    net = normalize(selfie.read_bytes())
    frames = (
        {"image": preprocess(read_frame(pair.image), (256, 256), 3).astype(np.float32)[None] / np.float32(255)}
        for pair in dataset.split("train")[:100]
    )
    ranges = calibrate(net, frames).declared("input_1", 0, 1)
    small = tmp_path / "int8.tflite"
    small.write_bytes(integer_ends(quantize(net, ranges, "int8")))
    found = [
        evaluate(Segmenter(path, input_range=(0, 1)), dataset.split("val"), dataset.labels).iou["person"]
        for path in (selfie, small)
    ]
    assert found[0] > 0.89
    assert found[0] - found[1] < 0.015
