from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeseg.training.backend import keras, layers
from edgeseg.training.fit import _compiled
from edgeseg.training.fused_norm import FusedBatchNormalization, with_fused_norms
from edgeseg.training.models import MODELS, build
from edgeseg.training.predict import load_keras
from edgeseg.training.run import open_run

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="is for TensorFlow alone")


def both(dtype: str = "float32") -> tuple[Any, Any]:
    made = [kind(momentum=0.9, dtype=dtype) for kind in (layers.BatchNormalization, FusedBatchNormalization)]
    for norm in made:
        norm.build((None, None, None, 5))
        norm.gamma.assign(np.linspace(0.5, 2, 5))
        norm.beta.assign(np.linspace(-1, 1, 5))
    return made[0], made[1]


def step(norm: Any, x: Any, compiled: bool = False) -> tuple[Any, list[Any]]:
    """Outputs in training, and the gradients of a loss that tells all of them apart; by XLA, as on a GPU, or not."""
    import tensorflow as tf

    def run(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = norm(x, training=True)
            loss = tf.reduce_sum(tf.cast(out, "float32") ** 3)
        return out, tape.gradient(loss, [x, norm.gamma.value, norm.beta.value])

    out, slopes = (tf.function(run, jit_compile=True) if compiled else run)(tf.constant(x))
    return out.numpy(), [each.numpy() for each in slopes]


@pytest.mark.parametrize("compiled", [False, True])
def test_it_computes_what_keras_does(compiled: bool) -> None:
    x = np.random.default_rng(0).normal(3, 2, (4, 6, 7, 5)).astype(np.float32)
    plain, fused = both()
    (wanted, slopes), (found, fused_slopes) = step(plain, x), step(fused, x, compiled)
    assert found == pytest.approx(wanted, abs=1e-5)
    for slope, fused_slope in zip(slopes, fused_slopes, strict=True):
        assert fused_slope == pytest.approx(slope, rel=1e-3, abs=1e-3)
    assert np.array(fused.moving_mean) == pytest.approx(np.array(plain.moving_mean), rel=1e-5)
    assert np.array(fused.moving_variance) == pytest.approx(np.array(plain.moving_variance), rel=1e-5)
    assert np.array(fused(x, training=False)) == pytest.approx(np.array(plain(x, training=False)), abs=1e-5)


RELATIVE = {"mixed_bfloat16": 2e-3, "mixed_float16": 3e-4}
"""The pixels themselves are rounded, before anything is counted."""


@pytest.mark.parametrize("dtype", RELATIVE)
def test_half_precision_has_statistics_in_float32(dtype: str) -> None:
    x = np.random.default_rng(0).normal(3, 2, (4, 6, 7, 5)).astype(np.float32)
    plain, fused = both(dtype)
    (wanted, _), (found, _) = step(plain, x), step(fused, x)
    assert found.dtype == wanted.dtype
    assert np.abs(found.astype(np.float32) - wanted.astype(np.float32)).max() < 0.06
    exact = np.float32(0.9 + 0.1 * x.var(axis=(0, 1, 2)))
    assert fused.moving_variance.dtype == "float32"
    assert np.array(fused.moving_variance) == pytest.approx(exact, rel=RELATIVE[dtype])


def test_frozen_it_leaves_its_statistics_alone() -> None:
    _, fused = both()
    fused.trainable = False
    fused(np.ones((2, 3, 3, 5), np.float32), training=True)
    assert np.array(fused.moving_mean) == pytest.approx(0)


@pytest.mark.parametrize("name", MODELS)
def test_a_network_keeps_its_weights_and_their_names(name: str) -> None:
    plain = build(name, (32, 64), 3, 4)
    fused = with_fused_norms(plain)
    assert [each.path for each in fused.weights] == [each.path for each in plain.weights]
    for ours, theirs in zip(fused.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    kinds = {type(each) for each in fused.layers}
    assert FusedBatchNormalization in kinds
    assert layers.BatchNormalization not in kinds


def test_it_is_what_a_training_runs_on_and_no_part_of_what_it_saves(run_folder: Path) -> None:
    network, _ = _compiled(open_run(run_folder), np.full(5, 0.2), 10)
    assert FusedBatchNormalization in {type(each) for each in network.layers}
    saved, _ = load_keras(run_folder / "best.keras")
    assert layers.BatchNormalization in {type(each) for each in saved.layers}
    assert all(type(each).__module__.startswith("keras.") for each in saved.layers)
