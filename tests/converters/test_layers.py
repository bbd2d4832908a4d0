from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from converters import litert
from converters.calibration import scaled
from converters.layers import LayerError, layer_of, ranked
from converters.ranges import Ranges
from converters.tflite.operators import operators
from converters.windows import windows
from tests.converters.opposed import OFFSET, SIZE, network

UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class Net:
    """A float model and what calibration saw."""

    model: bytes
    images: list[np.ndarray]
    ranges: Ranges

    def named(self, layer: str) -> str:
        return next(each.outputs[0].name for each in operators(self.model) if layer_of(each.outputs[0].name) == layer)

    def layers(self, ranges: Ranges | None = None) -> list[LayerError]:
        result = litert.quantize(self.model, ranges or self.ranges, "int8")
        return ranked(self.model, result, self.images, UNIT)


@pytest.fixture(scope="module")
def calibrated(to_tflite: Callable[..., bytes]) -> Callable[[Callable[[Any], Any]], Net]:
    def make(build: Callable[[Any], Any]) -> Net:
        model = to_tflite((1, *SIZE, 3), build)
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8) for _ in range(4)]
        frames = ({"image": scaled(image, UNIT)[None]} for image in images)
        return Net(model, images, litert.calibrate(model, frames))

    return make


@pytest.fixture(scope="module")
def net(calibrated: Callable[..., Net]) -> Net:
    return calibrated(network(0.0))


def test_a_sound_network_has_small_errors_everywhere(net: Net) -> None:
    found = net.layers()
    assert {each.layer for each in found} >= {"stem", "deep", "left", "right", "sum"}
    assert 0 < max(each.error for each in found) < 0.1


@pytest.mark.parametrize("ruined", ["stem", "deep", "left", "right", "sum"])
def test_a_ruined_layer_comes_first(net: Net, ruined: str) -> None:
    """Its range is a hundred times what it needs, so that its values fall on very few steps."""
    low, high = net.ranges.extremes()[net.named(ruined)]
    width = 100 * (high - low)
    found = net.layers(net.ranges.declared(net.named(ruined), low - width * (low < 0), high + width))
    assert found[0].layer == ruined
    assert found[0].tensor == net.named(ruined)
    assert found[0].own > 2 * found[1].own
    assert "most of it from here" in found[0].words
    assert [each.own for each in found] == sorted((each.own for each in found), reverse=True)


def test_what_a_layer_inherits_is_not_held_against_it(net: Net) -> None:
    low, high = net.ranges.extremes()[net.named("stem")]
    found = {each.layer: each for each in net.layers(net.ranges.declared(net.named("stem"), low, 100 * high))}
    assert found["deep"].error > 0.3
    assert found["deep"].own < 0.7 * found["deep"].error


def test_a_hostile_network_is_laid_to_the_branches(calibrated: Callable[..., Net]) -> None:
    """Its two branches range over +-300, though each channel moves by little."""
    found = calibrated(network(OFFSET)).layers()
    assert {each.layer for each in found[:2]} == {"left", "right"}
    assert "its channels differ: the tensor is " in found[0].words
    assert found[0].width > 50


def test_a_model_beside_itself_has_no_errors(net: Net) -> None:
    found = ranked(net.model, net.model, net.images, UNIT)
    assert {each.error for each in found} == {0.0}


@pytest.mark.parametrize(
    ("error", "own", "width", "words"),
    [
        (0.25, 0.2, 1.0, "its values are off by 25.0 % of their spread, most of it from here"),
        (0.25, 0.1, 8.0, "its values are off by 25.0 % of their spread"),
        (0.25, 0.01, 1.0, "its values are off by 25.0 % of their spread, none of it from here"),
        (
            0.004,
            0.004,
            8.6,
            "its values are off by 0.4 % of their spread, most of it from here; "
            "its channels differ: the tensor is 9 times as wide as its middle channel",
        ),
    ],
)
def test_words_say_how_much_and_why(error: float, own: float, width: float, words: str) -> None:
    assert LayerError("stem", "CONV_2D", "net/stem", error, own, width).words == words


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("small_1/stem_relu_1/Relu6;small_1/stem_norm_1/batchnorm/add_1;small_1/stem_1/convolution", "stem"),
        ("small_1/stage1_0_project_norm_1/batchnorm/add_1;small_1/x", "stage1_0_project"),
        ("small_1/stage2_1_add_1/Add", "stage2_1_add"),
        ("small_1/rescale_1/mul", "rescale"),
        ("nano_1/decode4_up_1/BiasAdd;nano_1/decode4_up_1/conv_transpose", "decode4_up"),
        ("StatefulPartitionedCall:0", "output"),
        ("logits", "logits"),
        ("ArgMax", "ArgMax"),
    ],
)
def test_tensors_are_called_by_their_layer(tensor: str, layer: str) -> None:
    assert layer_of(tensor) == layer


def test_every_layer_of_a_real_network_is_named(models: Callable, run_folder: Any) -> None:
    from edgeseg.training.predict import load_keras

    known = {layer.name for layer in load_keras(run_folder / "best.keras")[0].layers}
    found = [each for each in operators(models("float32", "labels").read_bytes()) if each.op.endswith("CONV_2D")]
    assert len(found) > 10
    names = [layer_of(each.outputs[0].name) for each in found]
    assert set(names) <= known
    assert "logits" in names
    assert len(set(names)) == len(names)


def steep(x: Any) -> Any:
    """Scores of hundreds before a sigmoid."""
    from keras import layers

    scores = layers.Conv2D(4, 3, padding="same", name="steep", kernel_initializer="orthogonal")(x * 2000.0 - 1000.0)
    return layers.Conv2D(2, 1, name="last")(layers.Activation("sigmoid", name="soft")(scores))


def test_what_the_next_operator_cannot_tell_apart_is_no_error(
    calibrated: Callable[..., Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = calibrated(steep)
    name = net.named("steep")
    assert windows(net.model) == {name: (-np.log(511), np.log(511))}
    low, high = net.ranges.extremes()[name]
    assert low < -100
    assert high > 100
    assert next(each for each in net.layers() if each.tensor == name).error < 0.2
    result = litert.quantize(net.model, net.ranges, "int8")  # its range is the window
    monkeypatch.setattr("converters.layers.windows", lambda model: {})
    blunt = next(each for each in ranked(net.model, result, net.images, UNIT) if each.tensor == name)
    assert blunt.error > 0.8  # all that was cut off would count


def test_a_tensor_that_anything_else_reads_has_no_window(calibrated: Callable[..., Net]) -> None:
    from keras import layers

    def build(x: Any) -> Any:
        scores = layers.Conv2D(4, 3, padding="same", name="scores")(x)
        soft = layers.Activation("sigmoid", name="soft")(scores)
        return layers.Conv2D(2, 1, name="last")(layers.Add()([scores, soft]))

    assert windows(calibrated(build).model) == {}
