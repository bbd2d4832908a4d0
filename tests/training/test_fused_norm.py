from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeseg.training.backend import keras, layers
from edgeseg.training.fused_norm import FusedBatchNormalization, with_fused_norms
from edgeseg.training.models import build
from edgeseg.training.predict import load_keras

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="is for TensorFlow alone")


def both(dtype: str = "float32") -> tuple[Any, Any]:
    made = [kind(momentum=0.9, dtype=dtype) for kind in (layers.BatchNormalization, FusedBatchNormalization)]
    for norm in made:
        norm.build((None, None, None, 5))
        norm.gamma.assign(np.linspace(0.5, 2, 5))
        norm.beta.assign(np.linspace(-1, 1, 5))
    return made[0], made[1]


def step(norm: Any, x: Any) -> tuple[Any, list[Any]]:
    """Outputs in training, and the gradients of a loss that tells all of them apart."""
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = norm(x, training=True)
        loss = tf.reduce_sum(tf.cast(out, "float32") ** 3)
    return out.numpy(), [each.numpy() for each in tape.gradient(loss, [x, norm.gamma.value, norm.beta.value])]


def test_it_computes_what_keras_does() -> None:
    x = np.random.default_rng(0).normal(3, 2, (4, 6, 7, 5)).astype(np.float32)
    plain, fused = both()
    (wanted, slopes), (found, fused_slopes) = step(plain, x), step(fused, x)
    assert found == pytest.approx(wanted, abs=1e-5)
    for slope, fused_slope in zip(slopes, fused_slopes, strict=True):
        assert fused_slope == pytest.approx(slope, rel=1e-3, abs=1e-3)
    assert np.array(fused.moving_mean) == pytest.approx(np.array(plain.moving_mean), rel=1e-5)
    assert np.array(fused.moving_variance) == pytest.approx(np.array(plain.moving_variance), rel=1e-5)
    assert np.array(fused(x, training=False)) == pytest.approx(np.array(plain(x, training=False)), abs=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_has_statistics_in_float32(dtype: str) -> None:
    x = np.random.default_rng(0).normal(3, 2, (4, 6, 7, 5)).astype(np.float32)
    plain, fused = both(dtype)
    (wanted, _), (found, _) = step(plain, x), step(fused, x)
    assert found.dtype == wanted.dtype
    assert np.abs(found.astype(np.float32) - wanted.astype(np.float32)).max() < 0.06
    assert np.array(fused.moving_variance) == pytest.approx(np.array(plain.moving_variance), rel=1e-2)


def test_frozen_it_leaves_its_statistics_alone() -> None:
    _, fused = both()
    fused.trainable = False
    fused(np.ones((2, 3, 3, 5), np.float32), training=True)
    assert np.array(fused.moving_mean) == pytest.approx(0)


def test_a_network_keeps_its_weights_and_their_names() -> None:
    plain = build("nano", (32, 48), 3, 4)
    fused = with_fused_norms(plain)
    assert [each.path for each in fused.weights] == [each.path for each in plain.weights]
    for ours, theirs in zip(fused.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    kinds = {type(each) for each in fused.layers}
    assert FusedBatchNormalization in kinds
    assert layers.BatchNormalization not in kinds


def test_what_a_training_saves_holds_layers_of_keras_alone(run_folder: Path) -> None:
    saved, _ = load_keras(run_folder / "best.keras")
    assert layers.BatchNormalization in {type(each) for each in saved.layers}
    assert all(type(each).__module__.startswith("keras.") for each in saved.layers)
