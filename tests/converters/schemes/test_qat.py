from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters import proof
from converters.job import Options
from converters.material import Material
from converters.schemes import qat
from converters.sources.keras import KerasSource
from edgeseg.errors import ConversionError
from edgeseg.training.backend import keras
from edgeseg.training.models import build
from edgeseg.training.qat.fold import fold
from edgeseg.training.qat.prepare import calibrate, prepare

SIZE = (32, 64)


def pictures(seed: int, channels: int) -> np.ndarray:
    """(4, *SIZE, channels) float32: coarse tiles, so that deep layers see something."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, SIZE[0] // 8, SIZE[1] // 8, channels))
    return coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """A function from (network, channels) to its prepared, calibrated and otherwise untrained file."""
    folder = tmp_path_factory.mktemp("prepared")

    def make(name: str, channels: int = 3) -> Path:
        path = folder / f"{name}-{channels}.keras"
        if not path.is_file():
            keras.utils.set_random_seed(0)
            folded = fold(build(name, SIZE, channels, 5))
            model = prepare(folded)
            calibrate(model, folded, [pictures(0, channels)])
            model.save(path)
        return path

    return make


def converted(path: Path, **options: str) -> bytes:
    def untold(*at: object) -> None:
        pass

    def unjudged(data: bytes) -> float:
        raise AssertionError("qat has nothing to search for")

    source = KerasSource(path, None)
    source.quantization_aware = True  # what a run says of itself
    return qat.convert(Material(source, Options(**options), (), unjudged, untold)).data


def logits(data: bytes, image: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Scores (h, w, classes) in steps, the step's size, and the input's (scale, zero point)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert last["dtype"] == np.int8
    shift = 128 if first["dtype"] == np.int8 else 0
    interpreter.set_tensor(first["index"], (image[None].astype(np.int32) - shift).astype(first["dtype"]))
    interpreter.invoke()
    scale, zero = last["quantization"]
    assert first["quantization"] == (1.0, -shift)
    return interpreter.get_tensor(last["index"])[0].astype(float) - zero, scale, first["dtype"]


@pytest.mark.parametrize(
    ("name", "channels"),
    [("nano", 3), *(pytest.param(*each, marks=pytest.mark.slow) for each in (("nano", 1), ("fcn", 3), ("small", 3)))],
)
def test_the_file_is_int8_throughout_and_scores_as_the_network_does(
    prepared: Callable[..., Path], name: str, channels: int
) -> None:
    path = prepared(name, channels)
    data = converted(path, output="logits")
    qat.prove(data)
    network = keras.models.load_model(path)
    for image in pictures(1, channels):
        found, step, _ = logits(data, image)
        wanted = np.asarray(network(image[None], training=False))[0] / step
        assert np.abs(found - wanted).max() <= 2.01
        assert np.ptp(wanted) > 20


@pytest.mark.slow
def test_a_class_map_and_int8_pixels_are_int8_throughout(prepared: Callable[..., Path]) -> None:
    proof.all_integer(converted(prepared("nano"), output="labels", input="int8"))
    found, _, kind = logits(converted(prepared("nano"), output="logits", input="int8"), pictures(1, 3)[0])
    assert kind == np.int8
    same, _, _ = logits(converted(prepared("nano"), output="logits"), pictures(1, 3)[0])
    assert np.abs(found - same).max() <= 1


def test_a_network_without_ranges_is_sent_to_its_training(run_folder: Path) -> None:
    source = KerasSource(run_folder / "best.keras", None)
    material = Material(source, Options(), (), lambda data: 0.0, lambda *at: None)
    with pytest.raises(ConversionError, match=r"edgeseg train DATA -o RUN2 --qat --weights RUN"):
        qat.convert(material)
