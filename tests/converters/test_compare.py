from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.compare import compare_files
from edgeseg.errors import DataError, UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, attach, read_info

Models = Callable[[str, str], Path]


def test_on_a_labelled_set_both_are_scored(models: Models, belt_set: Path) -> None:
    seen: list[tuple[int, int]] = []
    one, other = models("float32", "labels"), models("int8", "labels")
    found = compare_files(one, other, str(belt_set), on_progress=lambda *at: seen.append(at))
    assert found.first is not None
    assert found.second is not None
    assert found.first.scores.iou == pytest.approx(evaluate_file(one, belt_set).scores.iou)
    assert found.second.scores.iou == pytest.approx(evaluate_file(other, belt_set).scores.iou)
    assert 0.5 < found.agreement < 1
    assert seen == [(number, 8) for number in range(1, 9)]


def test_another_split_is_taken_where_it_is_named(int8_model: Path, belt_set: Path) -> None:
    assert compare_files(int8_model, int8_model, str(belt_set), split="train").images == 24
    with pytest.raises(DataError, match="it has train, val"):
        compare_files(int8_model, int8_model, str(belt_set), split="test")


def test_ignored_classes_are_left_out(int8_model: Path, belt_set: Path) -> None:
    found = compare_files(int8_model, int8_model, str(belt_set), ignore=[1])
    assert found.first is not None
    assert "washer" not in found.first.scores.iou


def test_models_of_other_classes_are_not_compared_even_where_one_names_none(
    int8_model: Path, tmp_path: Path, to_tflite: Callable
) -> None:
    import keras

    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(to_tflite((1, 64, 96, 3), keras.layers.Conv2D(2, 1)))
    with pytest.raises(DataError, match="know 5 and 2 classes"):
        compare_files(int8_model, foreign, "belt:?size=64x96", frames=1)


def test_on_a_film_only_agreement_is_known(int8_model: Path) -> None:
    found = compare_files(int8_model, int8_model, "belt:?size=64x96", frames=5)
    assert (found.images, found.agreement, found.first) == (5, 1.0, None)
    assert set(found.class_agreement) <= {"belt", "washer", "nut", "bolt", "scratch"}


def test_a_folder_of_images_is_a_film_too(int8_model: Path, belt_set: Path) -> None:
    assert compare_files(int8_model, int8_model, str(belt_set / "val" / "images")).images == 8


def test_one_model_on_two_runtimes(int8_model: Path, belt_set: Path) -> None:
    found = compare_files(int8_model, int8_model, str(belt_set), ("litert", "reference"))
    assert found.agreement > 0.95


@pytest.mark.parametrize("names", [("litert",), ("litert", "litert", "litert"), ("",)])
def test_there_are_two_runtimes(int8_model: Path, belt_set: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="name two runtimes, as in litert,reference"):
        compare_files(int8_model, int8_model, str(belt_set), names)


def test_an_unknown_runtime_is_refused_with_those_there_are(int8_model: Path, belt_set: Path) -> None:
    with pytest.raises(UsageError, match=r"no runtime is called 'onnx'; known are .*reference"):
        compare_files(int8_model, int8_model, str(belt_set), ("litert", "onnx"))


def test_models_of_different_classes_are_not_compared(int8_model: Path, belt_set: Path, tmp_path: Path) -> None:
    info = read_info(int8_model)
    assert info is not None
    data = int8_model.read_bytes()
    other = tmp_path / "other.tflite"
    other.write_bytes(data[: data.index(b"PK\x03\x04")])
    attach(other, ModelInfo("x", Labels.numbered(5), info.size, info.channels, info.output))
    with pytest.raises(DataError, match="know different classes; compare models of the same classes"):
        compare_files(int8_model, other, str(belt_set))


def test_models_that_name_no_classes_get_numbers(int8_model: Path, tmp_path: Path) -> None:
    data = int8_model.read_bytes()
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(data[: data.index(b"PK\x03\x04")])
    found = compare_files(bare, bare, "belt:?size=64x96", frames=2)
    assert all(name.startswith("class") for name in found.class_agreement)
    assert np.isclose(found.agreement, 1)
