import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeseg.data.dataset import open_dataset
from edgeseg.errors import DataError, ModelError, UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.model_info import attach, read_info
from edgeseg.training.backend import keras, layers
from edgeseg.training.fit import Outcome, Progress
from edgeseg.training.models import build
from edgeseg.training.predict import load_keras
from edgeseg.training.qat.fold import fold
from edgeseg.training.qat.layers import FakeQuant, quantize_kernel
from edgeseg.training.qat.prepare import REPLACED, calibrate, is_qat, prepare
from edgeseg.training.run import open_run
from edgeseg.training.settings import configure
from edgeseg.training.start import resume, train

EPOCHS = 3


def unsettled(model: keras.Model) -> keras.Model:
    """`model` with batch norms as no fresh network has them."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            low = {"gamma": 0.5, "beta": -0.5, "moving_mean": -0.3, "moving_variance": 0.3}
            layer.set_weights([rng.uniform(low[w.name], low[w.name] + 1, w.shape) for w in layer.weights])
    return model


def pictures(count: int, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (count, size[0] // 8, size[1] // 8, channels))
    return coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)


def output(model: keras.Model, images: np.ndarray, training: bool = False) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=training))


# ---- folding ----


@pytest.mark.parametrize("name", ["nano", "fcn", "small"])
def test_a_folded_network_computes_what_it_did(name: str) -> None:
    model = unsettled(build(name, (32, 64), 3, 5))
    images = pictures(2, (32, 64))
    folded = fold(model)
    assert not [layer for layer in folded.layers if isinstance(layer, layers.BatchNormalization)]
    before = output(model, images)
    assert np.abs(before).max() > 0.1
    assert output(folded, images) == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, padding="same"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        layers.Conv2DTranspose(5, 3, strides=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False}], ids=str)
def test_every_kind_of_convolution_takes_in_every_kind_of_norm(layer: layers.Layer, settings: dict) -> None:
    inputs = keras.Input((8, 16, 3))
    fresh = type(layer).from_config(layer.get_config() | {"bias_initializer": "random_normal"})
    model = unsettled(keras.Model(inputs, layers.BatchNormalization(**settings)(fresh(inputs))))
    images = pictures(2, (8, 16))
    assert output(fold(model), images) == pytest.approx(output(model, images), rel=1e-4, abs=1e-3)


def test_a_norm_without_a_convolution_of_its_own_is_named() -> None:
    inputs = keras.Input((8, 8, 3))
    alone = keras.Model(inputs, layers.BatchNormalization(name="lonely")(layers.MaxPooling2D()(inputs)))
    with pytest.raises(ModelError, match="'lonely' is a batch norm without a convolution"):
        fold(alone)
    shared = layers.Conv2D(3, 1)(inputs)
    with pytest.raises(ModelError, match="'torn'"):
        fold(keras.Model(inputs, layers.Add()([shared, layers.BatchNormalization(name="torn")(shared)])))


# ---- rounding ----


def test_kernels_fall_on_255_levels_a_channel_and_keep_their_extremes() -> None:
    kernel = np.random.default_rng(0).normal(0, [[1.0, 50.0, 0.01]], (400, 3)).astype(np.float32)
    rounded = keras.ops.convert_to_numpy(quantize_kernel(kernel, (0,)))
    for before, after in zip(kernel.T, rounded.T, strict=True):
        step = np.abs(before).max() / 127
        assert np.abs(after - before).max() <= 0.501 * step
        assert np.abs(after / step - np.round(after / step)).max() < 1e-3
        assert np.abs(after).max() == pytest.approx(np.abs(before).max(), rel=1e-5)
    assert len(np.unique(rounded[:, 2])) > 50
    assert len(np.unique(keras.ops.convert_to_numpy(quantize_kernel(kernel, None))[:, 2])) == 1


@pytest.mark.parametrize("ends", [(-1.0, 2.42), (0.0, 6.0), (-3.3, 0.0), (0.5, 2.0)], ids=str)
def test_training_rounds_as_inference_does_and_zero_is_exact(ends: tuple[float, float]) -> None:
    quant = FakeQuant()
    values = np.linspace(-4, 7, 4001, dtype=np.float32)[None]
    quant(values)
    quant.set_range(*ends)
    learned, deployed = output(quant, values, training=True), output(quant, values)
    step = (max(ends[1], 0) - min(ends[0], 0)) / 255
    assert np.mean(np.abs(learned - deployed) > step / 4) < 0.01  # ties may fall to either side
    assert np.abs(learned - deployed).max() < 1.01 * step
    assert len(np.unique(deployed.round(5))) == 256
    for training in (False, True):
        assert output(quant, np.zeros((1, 2), np.float32), training).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("layer", "gain"),
    [
        (layers.Conv2D(4, 3, name="conv"), (1, 4)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, name="conv"), (2, 2)),
        (layers.Conv2DTranspose(4, 3, name="conv"), (4, 1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_faint_output_channel_is_rounded_as_finely_as_a_strong_one(layer: layers.Layer, gain: tuple) -> None:
    inputs = keras.Input((8, 16, 2))
    plain = keras.Model(inputs, type(layer).from_config(layer.get_config())(inputs))
    kernel = plain.get_layer("conv").kernel
    kernel.assign(keras.ops.convert_to_numpy(kernel) * np.array([1.0, 100.0, 0.01, 1e4]).reshape(gain))
    rounded = keras.Model(inputs, REPLACED[type(layer)].from_config(layer.get_config())(inputs))
    rounded.set_weights(plain.get_weights())
    images = pictures(2, (8, 16), 2)
    exact, found = output(plain, images), output(rounded, images)
    error = np.abs(found - exact).max((0, 1, 2)) / np.ptp(exact, (0, 1, 2))
    assert (error > 0).all()
    assert (error < 0.03).all()


@pytest.mark.parametrize(("start", "wanted"), [(0.3, "wider"), (100.0, "narrower")])
def test_a_range_that_does_not_suit_is_learned(start: float, wanted: str) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (256, 8)).astype(np.float32)
    inputs = keras.Input((8,))
    quant = FakeQuant()
    model = keras.Model(inputs, quant(inputs))
    quant.set_range(-start, start)
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    before = model.evaluate(values, values, verbose=0)
    model.fit(values, values, batch_size=32, epochs=10, verbose=0)
    low, high = keras.ops.convert_to_numpy(quant.ends)
    assert (-low > start, high > start) == ((True, True) if wanted == "wider" else (False, False))
    assert model.evaluate(values, values, verbose=0) < 0.7 * before


# ---- preparing ----


def test_an_operator_of_int8_is_rounded_once() -> None:
    inputs = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="fused")(inputs)
    x = layers.ReLU(6.0, name="relu")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    forked = layers.Conv2D(4, 1, name="forked")(x)
    x = layers.Concatenate(name="joined")([layers.ReLU(name="late")(forked), forked])
    x = layers.UpSampling2D(interpolation="bilinear", name="up")(x)
    x = layers.Add(name="sum")([x, layers.Conv2D(8, 3, padding="same", activation="relu", name="own")(inputs)])
    prepared = prepare(keras.Model(inputs, layers.Activation("relu", name="last")(x)))
    found = {layer.name for layer in prepared.layers if isinstance(layer, FakeQuant)}
    assert found == {f"{name}_quant" for name in ("image", "relu", "forked", "late", "joined", "own", "last")}
    assert is_qat(prepared)
    assert not is_qat(build("nano", (32, 48), 3, 5))


@pytest.mark.parametrize(
    "layer",
    [
        layers.LeakyReLU(name="odd"),
        layers.ReLU(4.0, name="odd"),
        layers.Conv2D(3, 1, activation="gelu", name="odd"),
        layers.SeparableConv2D(3, 1, name="odd"),
        layers.Softmax(name="odd"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_int8_does_not_have_is_named(layer: layers.Layer) -> None:
    inputs = keras.Input((8, 8, 3))
    fresh = type(layer).from_config(layer.get_config())
    with pytest.raises(ModelError, match=r"layer 'odd' \("):
        prepare(keras.Model(inputs, fresh(layers.Conv2D(3, 1)(inputs))))


def test_a_layer_used_twice_and_a_network_within_are_named() -> None:
    inputs, shared = keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="shared")
    with pytest.raises(ModelError, match="'shared' is used more than once"):
        fold(keras.Model(inputs, shared(shared(inputs))))
    inner = keras.Model(inputs, layers.Conv2D(3, 1)(inputs), name="inner")
    outer = keras.Input((8, 8, 3))
    with pytest.raises(ModelError, match="'inner' is a whole network"):
        fold(keras.Model(outer, inner(outer)))


def test_a_prepared_network_is_near_the_folded_one() -> None:
    folded = fold(unsettled(build("nano", (32, 48), 3, 5)))
    images = pictures(4, (32, 48))
    prepared = prepare(folded)
    calibrate(prepared, folded, [images[:2], images[2:]])
    exact, rounded = output(folded, images), output(prepared, images)
    assert 0 < np.abs(rounded - exact).max() < 0.1 * np.ptp(exact)
    assert np.mean(np.abs(output(prepared, images, training=True) - rounded)) < np.ptp(exact) / 500
    for layer in prepared.layers:
        if isinstance(layer, FakeQuant) and layer.name.endswith("_relu_quant"):
            low, high = keras.ops.convert_to_numpy(layer.ends)
            assert low == 0
            assert 0 < high <= 6


# ---- a run ----


@pytest.fixture(scope="module")
def base(belt_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "run"
    settings = {"model": "nano", "size": (32, 48), "epochs": 3, "batch": 8, "learning_rate": 4e-3}
    train(belt_set, folder, configure(settings))
    return folder


def settings(base: Path) -> dict:
    return {"weights": str(base), "qat": True, "epochs": EPOCHS}


@pytest.fixture(scope="module")
def aware(base: Path, belt_set: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("aware") / "run"
    return folder, train(belt_set, folder, configure(settings(base)))


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text())]


def test_the_settings_come_from_the_weights(base: Path) -> None:
    config = configure({"weights": str(base), "qat": True})
    assert (config.model, config.size, config.channels) == ("nano", (32, 48), 3)
    assert config.epochs == 10
    assert config.learning_rate <= configure({}).learning_rate / 10
    assert configure({"weights": str(base), "size": (64, 96)}).size == (64, 96)


@pytest.mark.slow
def test_a_qat_run_knows_where_it_began_and_keeps_its_best(
    aware: tuple[Path, Outcome], base: Path, belt_set: Path
) -> None:
    folder, outcome = aware
    before = evaluate_file(base, belt_set).scores.miou
    assert outcome.base_miou == pytest.approx(before, abs=1e-6)
    info = read_info(folder / "best.keras")
    assert info is not None
    assert info.provenance["qat"] is True
    assert info.provenance["base_miou"] == outcome.base_miou
    network, _ = load_keras(folder / "best.keras")
    assert is_qat(network)
    assert evaluate_file(folder, belt_set).scores.miou == pytest.approx(outcome.best_miou, abs=1e-6)
    assert outcome.best_miou == pytest.approx(before, abs=0.1)


def test_weights_and_ranges_are_learned(aware: tuple[Path, Outcome]) -> None:
    start, best = (load_keras(aware[0] / name)[0] for name in ("start.keras", "best.keras"))
    moved = {
        new.path
        for old, new in zip(start.trainable_variables, best.trainable_variables, strict=True)
        if not np.array_equal(np.asarray(old), np.asarray(new))
    }
    assert {path.split("/")[-1] for path in moved} == {"kernel", "bias", "range_growth"}


@pytest.mark.slow
def test_a_stopped_qat_run_resumes_to_the_same_end_without_its_source(
    aware: tuple[Path, Outcome], base: Path, belt_set: Path, tmp_path: Path
) -> None:
    def stop(at: Progress) -> None:
        if at.epoch == 2:
            raise KeyboardInterrupt

    shutil.copytree(base, tmp_path / "base")
    config = configure(settings(tmp_path / "base"))
    assert train(belt_set, tmp_path / "run", config, on_progress=stop).interrupted
    shutil.rmtree(tmp_path / "base")
    outcome = resume(belt_set, tmp_path / "run")
    assert outcome.epochs == EPOCHS
    assert outcome.base_miou == aware[1].base_miou
    assert losses(tmp_path / "run") == pytest.approx(losses(aware[0]), rel=1e-3)
    (tmp_path / "run" / "start.keras").unlink()
    with pytest.raises(DataError, match=r"has lost its start.keras"):
        resume(belt_set, tmp_path / "run")


@pytest.mark.slow
def test_fine_tuning_begins_where_the_weights_are(base: Path, belt_set: Path, tmp_path: Path) -> None:
    config = replace(configure({"weights": str(base), "epochs": 1}), learning_rate=1e-9)
    outcome = train(belt_set, tmp_path / "run", config)
    start, best = (load_keras(path / "best.keras")[0] for path in (base, tmp_path / "run"))
    assert outcome.base_miou == evaluate_file(base, belt_set).scores.miou
    for old, new in zip(start.trainable_variables, best.trainable_variables, strict=True):
        assert np.asarray(new) == pytest.approx(np.asarray(old), abs=1e-5)
    assert "qat" not in read_info(tmp_path / "run" / "best.keras").provenance
    assert open_run(tmp_path / "run").config.weights == str(base)


def test_weights_that_do_not_fit_are_refused_before_anything_is_made(
    base: Path, aware: tuple[Path, Outcome], belt_set: Path, make_pairs: Callable, tmp_path: Path
) -> None:
    weights = str(base)
    with pytest.raises(UsageError, match="--weights RUN"):
        configure({"qat": True})
    with pytest.raises(UsageError, match="is nano at 32x48 with 3 channels; leave out --model"):
        configure({"qat": True, "weights": weights, "model": "small"})
    with pytest.raises(UsageError, match="leave out --size"):
        configure({"qat": True, "weights": weights, "size": (64, 96)})
    with pytest.raises(UsageError, match="leave out --grey"):
        configure({"weights": weights, "channels": 1})
    with pytest.raises(UsageError, match="leave out --precision"):
        configure({"qat": True, "weights": weights, "precision": "mixed_float16"})
    with pytest.raises(ModelError, match="trained for int8 already; give the float run"):
        configure({"qat": True, "weights": str(aware[0])})
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ModelError, match="is no trained network"):
        configure({"qat": True, "weights": str(tmp_path / "notes.txt")})
    mask = np.kron(np.array([[0, 1], [1, 0]], np.uint8), np.ones((20, 20), np.uint8))
    data = make_pairs(tmp_path / "data", {"train": {"a": mask}, "val": {"b": mask}})
    with pytest.raises(DataError, match=r"knows the classes belt, .*; the data have a, b"):
        train(data, tmp_path / "run", configure({"qat": True, "weights": weights}))
    assert not (tmp_path / "run").exists()


def test_a_network_of_other_layers_than_its_name_has_is_refused(base: Path, belt_set: Path, tmp_path: Path) -> None:
    info = read_info(base / "best.keras")
    assert info is not None
    other = tmp_path / "other.keras"
    build("fcn", (32, 64), 3, info.labels.num_classes).save(other)
    attach(other, replace(info, size=(32, 64)))
    with pytest.raises(ModelError, match="has other layers than 'nano'"):
        train(belt_set, tmp_path / "run", configure({"weights": str(other)}))


@pytest.mark.slow
def test_the_command_trains_and_refuses(
    edgeseg: Callable, refused: Callable, base: Path, belt_set: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = edgeseg("train", belt_set, "-o", run, "--qat", "--weights", base, "--epochs", 1, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["base_miou"] == evaluate_file(base, belt_set).scores.miou
    assert "--weights RUN" in refused(edgeseg("train", belt_set, "-o", tmp_path / "x", "--qat"))
    again = refused(edgeseg("train", belt_set, "-o", tmp_path / "x", "--qat", "--weights", run))
    assert "trained for int8 already" in again
    assert "leave out --qat" in refused(edgeseg("train", belt_set, "-o", run, "--resume", "--qat"))


LOAD_AND_TRAIN = """
import sys, numpy as np
from pathlib import Path
from edgeseg.training.backend import keras
from edgeseg.training.predict import load_keras
from edgeseg.training.settings import configure
from edgeseg.training.start import train

best, image, found, base, data, run = map(Path, sys.argv[1:])
np.save(found, load_keras(best)[0].predict(np.load(image), verbose=0))
train(data, run, configure({"weights": str(base), "qat": True, "epochs": 2}))
print(keras.backend.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_backend_loads_and_trains_it(
    backend: str, aware: tuple[Path, Outcome], base: Path, belt_set: Path, tmp_path: Path
) -> None:
    pytest.importorskip(backend)
    pair = open_dataset(belt_set).split("val")[0]
    from edgeseg.images import preprocess, read_frame

    image = preprocess(read_frame(pair.image), (32, 48), 3)[None].astype(np.float32)
    np.save(tmp_path / "image.npy", image)
    best = aware[0] / "best.keras"
    arguments = [best, tmp_path / "image.npy", tmp_path / "found.npy", base, belt_set, tmp_path / "run"]
    command = [sys.executable, "-c", LOAD_AND_TRAIN, *map(str, arguments)]
    environment = os.environ | {"KERAS_BACKEND": backend}
    told = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    assert told.stdout.split() == [backend]
    ours = output(load_keras(best)[0], image)
    quant = load_keras(best)[0].get_layer("logits_quant")
    step = float(np.ptp(keras.ops.convert_to_numpy(quant.ends))) / 255
    assert np.load(tmp_path / "found.npy") == pytest.approx(ours, abs=2.01 * step)
    assert losses(tmp_path / "run") == pytest.approx(losses(aware[0])[:2], rel=0.2)
