from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.tflite.macs import macs
from converters.tflite.operator_times import ROUNDS, OperatorTime, OperatorTimes, time_operators
from converters.tflite.operators import operators
from edgeseg.errors import ModelError


def test_every_operator_is_timed_under_its_layers_name(int8_model: Path) -> None:
    data = int8_model.read_bytes()
    rounds: list[tuple[int, int]] = []
    found = time_operators(data, threads=1, on_progress=lambda *at: rounds.append(at))
    assert [each.op for each in found.operators] == [each.op for each in operators(data)]
    assert [each.macs for each in found.operators] == [macs(each) for each in operators(data)]
    assert all(each.ms > 0 for each in found.operators)
    assert "stem" in {each.layer for each in found.operators}
    assert found.left_out == ()
    assert found.whole_ms > max(each.ms for each in found.operators) / 2
    assert rounds[-1] == (ROUNDS, ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["float16", "dynamic"])
def test_weights_are_unpacked_beforehand_as_in_the_whole_model(models: Callable[[str, str], Path], scheme: str) -> None:
    found = time_operators(models(scheme, "logits").read_bytes(), threads=1)
    assert "DEQUANTIZE" not in {each.op for each in found.operators}
    assert "CONV_2D" in {each.op for each in found.operators}
    assert found.left_out == ()


def test_kinds_are_merged_and_the_slowest_come_first() -> None:
    times = OperatorTimes(
        10.0,
        (
            OperatorTime(0, "ADD", "a", 1.0, 0),
            OperatorTime(1, "CONV_2D", "b", 4.0, 30),
            OperatorTime(2, "CONV_2D", "c", 5.0, 40),
        ),
        (),
    )
    assert [(kind.op, kind.count, kind.ms, kind.macs) for kind in times.kinds] == [
        ("CONV_2D", 2, 9.0, 70),
        ("ADD", 1, 1.0, 0),
    ]
    assert [each.layer for each in times.slowest(2)] == ["c", "b"]
    assert times.sum_ms == 10
    assert times.to_json()["sum_ms"] == 10


def test_an_operator_that_does_not_run_alone_is_left_out_with_its_reason(to_tflite: Callable[..., bytes]) -> None:
    import keras
    import tensorflow as tf

    class EachSecondRow(keras.layers.Layer):
        """By a step that is computed from the picture, and must not be zero."""

        def call(self, x: Any) -> Any:
            step = tf.where(tf.reduce_max(x) > 0.0, 2, 3)
            return tf.nn.relu(x)[:, ::step]

        def compute_output_shape(self, shape: Any) -> Any:
            return (1, 2, 4, 3)

    found = time_operators(to_tflite((1, 4, 4, 3), EachSecondRow()), threads=1)
    assert [each.partition(":")[0] for each in found.left_out] == ["STRIDED_SLICE"]
    assert found.operators


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="not a TFLite model"):
        time_operators(b"nothing", threads=1)


def test_a_damaged_model_is_refused(int8_model: Path) -> None:
    with pytest.raises(ModelError):
        time_operators(int8_model.read_bytes()[:3000], threads=1)
