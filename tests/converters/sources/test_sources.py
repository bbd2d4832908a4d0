from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converters.convert import convert
from converters.job import Options
from converters.sources import PIXELS, RANGES, SOURCES, keras, kind_of, open_source, saved_model, tflite
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import ConversionError, ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, attach, read_info

SIZE = (16, 32)


def test_each_path_is_accepted_by_its_kind(tmp_path: Path) -> None:
    saved, run = tmp_path / "saved", tmp_path / "run"
    for folder in (saved, run):
        folder.mkdir()
    (saved / "saved_model.pb").touch()
    for path, kind in (
        (saved, saved_model),
        (run, keras),
        (tmp_path / "m.keras", keras),
        (tmp_path / "m.tflite", tflite),
    ):
        assert [each for each in SOURCES if each.accepts(path)] == [kind]
        assert kind_of(path) is kind


@pytest.mark.parametrize("name", ["m.onnx", "m.h5", "absent"])
def test_other_paths_are_refused_with_what_would_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"give a run folder, a \.keras file, a SavedModel or a float \.tflite"):
        kind_of(tmp_path / name)


# ---- SavedModel ----


def network(size: tuple[int, int] = SIZE, classes: int = 3, channels: int = 3, batch: int | None = None) -> Any:
    import keras as library

    library.utils.set_random_seed(0)
    inputs = library.Input(batch_shape=(batch, *size, channels))
    x = library.layers.Rescaling(1 / 255)(inputs)
    return library.Model(inputs, library.layers.Conv2D(classes, 3, strides=2, padding="same")(x))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_model_segments_as_its_network_does(tmp_path: Path, channels: int) -> None:
    from edgeseg.training.predict import KerasPredictor

    model = network(channels=channels)
    model.export(tmp_path / "net", verbose=False)
    source = saved_model.open(tmp_path / "net", None)
    assert (source.name, source.size, source.channels, source.num_classes) == ("net", SIZE, channels, 3)
    images = np.random.default_rng(0).integers(0, 256, (3, *SIZE, channels)).astype(np.uint8)
    assert np.mean(source.predict(images) == KerasPredictor(model).predict(images)) > 0.98


def test_what_black_and_white_are_reaches_a_saved_model(tmp_path: Path) -> None:
    model = network()
    model.export(tmp_path / "net", verbose=False)
    pixels = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3)).astype(np.float32)
    found = np.asarray(saved_model.open(tmp_path / "net", (-1.0, 1.0)).scores(pixels))
    assert found == pytest.approx(np.asarray(model(pixels / 127.5 - 1)), abs=1e-5)


def exported(folder: Path, call: Callable[..., Any], *specs: Any) -> Path:
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(call, input_signature=list(specs))
    tf.saved_model.save(module, str(folder), signatures=module.call)
    return folder


def tensor(*shape: int | None, dtype: str = "float32", name: str = "image") -> Any:
    import tensorflow as tf

    return tf.TensorSpec(shape, dtype, name=name)


def classes(image: Any) -> Any:
    return {"scores": image[..., :2]}


@pytest.mark.parametrize(
    ("call", "shapes", "said"),
    [
        (classes, [{"shape": (None, None, None, 3)}], r"takes float32 \[None, None, None, 3\]"),
        (classes, [{"shape": (None, 16, 32, 4)}], r"takes float32 \[None, 16, 32, 4\]"),
        (classes, [{"shape": (16, 32, 3)}], r"takes float32 \[16, 32, 3\]"),
        (classes, [{"shape": (4, 16, 32, 3)}], r"takes float32 \[4, 16, 32, 3\]"),
        (lambda image: {"x": image[..., :2]}, [{"shape": (None, 16, 32, 3), "dtype": "uint8"}], r"takes uint8"),
        (
            lambda image, other: {"x": image[..., :2] + other[..., :2]},
            [{"shape": (None, 16, 32, 3)}, {"shape": (None, 16, 32, 3), "name": "other"}],
            r"a segmenter takes one float32",
        ),
        (lambda image: {"x": image[..., :1]}, [{"shape": (None, 16, 32, 3)}], r"2 or more classes"),
        (lambda image: {"x": image[:, 0]}, [{"shape": (None, 16, 32, 3)}], r"gives \['\(None, 32, 3\)'\]"),
        (
            lambda image: {"x": image[..., :2], "y": image[..., 1:]},
            [{"shape": (None, 16, 32, 3)}],
            r"a segmenter gives one output",
        ),
    ],
)
def test_a_saved_model_of_other_shapes_is_refused(
    tmp_path: Path, call: Callable[..., Any], shapes: list[dict[str, Any]], said: str
) -> None:
    specs = [tensor(*each["shape"], **{key: each[key] for key in each if key != "shape"}) for each in shapes]
    folder = exported(tmp_path / "net", call, *specs)
    with pytest.raises(ModelError, match=said) as caught:
        saved_model.open(folder, None)
    assert str(caught.value).startswith(f"{folder}: ")
    assert "\n" not in str(caught.value)


def test_a_saved_model_that_takes_nothing_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    folder = exported(tmp_path / "net", lambda: {"x": tf.zeros((1, 16, 32, 2))})
    with pytest.raises(ModelError, match="takes nothing; a segmenter takes one float32"):
        saved_model.open(folder, None)


def test_a_saved_model_without_a_signature_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "net"))
    with pytest.raises(ModelError, match=r"has no signature to call; export it with  model\.export"):
        saved_model.open(tmp_path / "net", None)


def test_a_damaged_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "saved_model.pb").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="TensorFlow cannot load it") as caught:
        saved_model.open(tmp_path / "net", None)
    assert "\n" not in str(caught.value)


# ---- .tflite ----


@pytest.fixture(scope="module")
def above(to_tflite: Callable[..., bytes]) -> Callable[[float], bytes]:
    """A function that makes a model: class 1 where a pixel, as the model gets it, is above a threshold."""
    from keras import layers

    def make(threshold: float) -> bytes:
        weights = np.zeros((1, 1, 3, 2), np.float32)
        weights[..., 1] = 1 / 3
        bias = np.array([threshold, 0], np.float32)
        values = {
            "kernel_initializer": lambda shape, dtype=None: weights,
            "bias_initializer": lambda shape, dtype=None: bias,
        }
        return to_tflite((1, *SIZE, 3), lambda x: layers.Conv2D(2, 1, **values)(x))

    return make


@pytest.fixture
def ramps(tmp_path: Path) -> Path:
    """A labelled set: grey ramps, of which everything above half of white is class 1."""
    ramp = np.linspace(0, 255, SIZE[1], dtype=np.uint8)[None].repeat(SIZE[0], 0)
    for split in ("train", "val"):
        for number in range(3):
            picture = np.roll(ramp, 5 * number, 1)
            for kind, content in (("images", np.dstack([picture] * 3)), ("masks", (picture > 128).astype(np.uint8))):
                path = tmp_path / "set" / split / kind / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), content)
    (tmp_path / "set" / "labels.txt").write_text("dark\nbright\n")
    return tmp_path / "set"


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_what_black_and_white_are_is_found_by_miou(
    above: Callable[[float], bytes], ramps: Path, tmp_path: Path, low: float, high: float
) -> None:
    (tmp_path / "m.tflite").write_bytes(above((low + high) / 2))
    data = open_dataset(ramps)
    source, (note,) = open_source(tmp_path / "m.tflite", Options(), data.split("val"), data.labels)
    assert source.input_range == (low, high)
    assert f"taken as {low:g} and {high:g} by mIoU on 3 images (" in note
    assert f"100.0 % for {low:g},{high:g}" in note
    assert note.count(" % for ") == len(RANGES)


def test_a_saved_models_range_is_found_too(ramps: Path, tmp_path: Path) -> None:
    folder = exported(
        tmp_path / "net", lambda image: {"x": image[..., :2] * [0.0, 1.0] + [0.5, 0.0]}, tensor(1, *SIZE, 3)
    )
    data = open_dataset(ramps)
    source, (note,) = open_source(folder, Options(), data.split("val"), data.labels)
    assert "taken as 0 and 1 by mIoU" in note
    assert source.input_range == PIXELS  # of the graph that is exported, which scales


def test_without_masks_the_range_is_assumed_and_the_user_told(above: Callable, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    source, (note,) = open_source(tmp_path / "m.tflite", Options(), (), None)
    assert source.input_range == (0.0, 1.0)
    assert note.endswith("taken as 0 and 1; say it with --input-range")


def test_who_says_the_range_is_not_told(above: Callable, ramps: Path, tmp_path: Path) -> None:
    path, data = tmp_path / "m.tflite", open_dataset(ramps)
    path.write_bytes(above(0.5))
    options = Options(input_range=(-1.0, 1.0))
    source, notes = open_source(path, options, data.split("val"), data.labels)
    assert (source.input_range, notes) == ((-1.0, 1.0), [])
    attach(path, ModelInfo("m", Labels.numbered(2), SIZE, 3, "logits", {}, (0.0, 2.0)))
    source, notes = open_source(path, Options(), data.split("val"), data.labels)
    assert (source.input_range, notes) == ((0.0, 2.0), [])


def test_a_tflite_gives_what_it_gives(above: Callable, ramps: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    source = tflite.open(tmp_path / "m.tflite", None)
    assert (source.name, source.outputs, source.num_classes) == ("m", ("logits",), 2)
    with pytest.raises(ConversionError, match=r"gives logits; leave out --output"):
        convert(tmp_path / "m.tflite", tmp_path / "o.tflite", "float32", ramps, Options(output="labels"))


def test_a_quantized_tflite_is_no_source(int8_model: Path) -> None:
    with pytest.raises(ModelError, match=r"is already quantized .*; give the float model it came from") as caught:
        tflite.open(int8_model, None)
    assert str(caught.value).startswith(f"{int8_model}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x1c\x00\x00\x00TFL3" + bytes(40)])
def test_what_is_no_tflite_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.tflite"):
        tflite.open(tmp_path / "m.tflite", None)
    with pytest.raises(ModelError, match=r"absent\.tflite: cannot be read"):
        tflite.open(tmp_path / "absent.tflite", None)


# ---- classes ----


def test_a_file_of_names_names_the_classes(above: Callable, ramps: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    (tmp_path / "names.txt").write_text("shadow\nlight\n")
    options = Options(labels=str(tmp_path / "names.txt"))
    convert(tmp_path / "m.tflite", tmp_path / "o.tflite", "float32", ramps / "val" / "images", options)
    info = read_info(tmp_path / "o.tflite")
    assert info is not None
    assert info.labels.names == ("shadow", "light")
    assert info.input_range == (0.0, 1.0)


def test_the_names_of_the_data_name_the_classes(above: Callable, ramps: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    result = convert(tmp_path / "m.tflite", tmp_path / "o.tflite", "float32", ramps)
    info = read_info(tmp_path / "o.tflite")
    assert info is not None
    assert info.labels.names == ("dark", "bright")
    assert result.miou == 1.0
    assert any("taken as 0 and 1 by mIoU" in note for note in result.notes)


def test_too_few_names_are_refused(above: Callable, ramps: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    (tmp_path / "names.txt").write_text("shadow\n")
    options = Options(labels=str(tmp_path / "names.txt"))
    with pytest.raises(ConversionError, match=r"names\.txt: names 1 classes, the model gives 2; name each"):
        convert(tmp_path / "m.tflite", tmp_path / "o.tflite", "float32", ramps, options)
    assert not (tmp_path / "o.tflite").exists()


def test_data_of_another_number_of_classes_are_refused(above: Callable, ramps: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(above(0.5))
    (ramps / "labels.txt").write_text("dark\nbright\nblinding\n")
    with pytest.raises(ConversionError, match=r"m\.tflite: gives 2 classes, and .* has 3; use data with the model's"):
        convert(tmp_path / "m.tflite", tmp_path / "o.tflite", "float32", ramps)
    assert not (tmp_path / "o.tflite").exists()


def test_a_range_that_does_not_ascend_is_refused() -> None:
    with pytest.raises(UsageError, match=r"an input range ascends, as in 0,1; not 1\.0,0\.0"):
        Options(input_range=(1.0, 0.0))


@pytest.mark.slow
def test_the_range_of_mediapipes_model_is_found(selfie: Path, shared: Path) -> None:
    data = open_dataset(shared / "data" / "person")
    source, (note,) = open_source(selfie, Options(), data.split("val"), data.labels or Labels.numbered(2))
    assert source.input_range == (0.0, 1.0)
    assert "by mIoU on 12 images" in note
