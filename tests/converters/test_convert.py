import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.convert import convert
from converters.edgetpu import check as edgetpu
from converters.job import Options
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, DataError, ModelError, UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.model_info import read_info
from edgeseg.segmenter import Segmenter
from edgeseg.training.models import MODELS, build


@pytest.mark.parametrize("scheme", ["float32", "int8"])
@pytest.mark.parametrize("output", ["labels", "logits"])
def test_a_model_runs_and_knows_itself(models: Callable[[str, str], Path], scheme: str, output: str) -> None:
    path = models(scheme, output)
    info = read_info(path)
    assert info is not None
    assert info.output == output
    assert info.labels.names[1] == "washer"
    assert info.provenance["scheme"] == scheme
    assert 0 < info.provenance["miou"] <= 1
    assert len(info.provenance["data_sha256"]) == 64
    assert Segmenter(path)(np.zeros((50, 70, 3), np.uint8)).shape == (50, 70)


def test_float32_scores_what_keras_scores(models: Callable[[str, str], Path], run_folder: Path, belt_set: Path) -> None:
    keras = evaluate_file(run_folder, belt_set).scores
    for output in ("labels", "logits"):
        tflite = evaluate_file(models("float32", output), belt_set).scores
        assert tflite.miou == pytest.approx(keras.miou, abs=0.001)


def test_int8_has_integers_everywhere_and_batch_one(int8_model: Path) -> None:
    found = operators(int8_model.read_bytes())
    assert {tensor.dtype for each in found for tensor in each.outputs} == {"int8", "int32", "uint8"}
    assert [each.op for each in found[-2:]] == ["ARG_MAX", "CAST"]
    assert all(tensor.shape[0] == 1 for each in found for tensor in each.outputs)


@pytest.mark.parametrize(
    ("input_type", "zero_point"), [("uint8", 0), pytest.param("int8", -128, marks=pytest.mark.slow)]
)
def test_raw_pixels_are_the_input_of_int8(
    input_type: str, zero_point: int, run_folder: Path, belt_set: Path, int8_model: Path, tmp_path: Path
) -> None:
    path = int8_model
    if input_type == "int8":
        path = tmp_path / "m.tflite"
        convert(run_folder, path, "int8", belt_set, Options(input="int8", score=False))
    segmenter = Segmenter(path)
    details = segmenter._interpreter.get_input_details()[0]
    assert details["dtype"] == np.dtype(input_type).type
    assert details["quantization"] == (1.0, zero_point)
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    assert np.array_equal(segmenter(frame), Segmenter(int8_model)(frame))


def test_int8_costs_little_and_says_how_much(run_folder: Path, belt_set: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    result = convert(
        run_folder, tmp_path / "m.tflite", "int8", belt_set, on_progress=lambda stage, *_: stages.append(stage)
    )
    assert result.comparison.drop is not None
    assert abs(result.comparison.drop) < 3
    assert result.miou == pytest.approx(evaluate_file(tmp_path / "m.tflite", belt_set).scores.miou)
    assert set(result.comparison.drops) <= {"belt", "washer", "nut", "bolt", "scratch"}
    assert result.bytes == (tmp_path / "m.tflite").stat().st_size
    assert result.coverage.frames == 24
    assert "calibrate" in stages


@pytest.mark.slow
def test_a_folder_of_images_calibrates_too(run_folder: Path, belt_set: Path, tmp_path: Path) -> None:
    result = convert(run_folder, tmp_path / "m.tflite", "int8", belt_set / "train" / "images", Options(frames=10))
    assert result.coverage.frames == 10
    assert result.comparison.images == 14
    assert result.miou is None


@pytest.mark.slow
def test_a_result_that_does_not_agree_is_refused_and_the_old_file_stays(
    run_folder: Path, belt_set: Path, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"previous")
    result = convert(run_folder, path, "int8", belt_set, Options(min_agreement=1.0, score=False))
    assert "it agrees with its source on" in result.failures[0]
    assert path.read_bytes() == b"previous"
    assert list(tmp_path.iterdir()) == [path]


def test_an_operator_that_stays_float_is_named(belt_set: Path, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(5, 3, padding="same")(x)
    outputs = keras.ops.erfinv(keras.ops.tanh(x) * 0.9)
    keras.Model(inputs, outputs).save(tmp_path / "odd.keras")
    with pytest.raises(ConversionError, match=r"stayed|works in float32|converter|ERFINV|Erfinv|erfinv"):
        convert(tmp_path / "odd.keras", tmp_path / "m.tflite", "int8", belt_set, Options(score=False))
    assert not (tmp_path / "m.tflite").exists()


def test_an_abort_inside_the_converter_is_an_error_message(
    run_folder: Path, belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import os; os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with pytest.raises(ConversionError, match="killed by SIGABRT"):
        convert(run_folder, tmp_path / "m.tflite", "int8", belt_set)
    assert not (tmp_path / "m.tflite").exists()


@pytest.mark.slow
def test_a_keras_file_that_carries_nothing_gets_numbered_classes(
    run_folder: Path, belt_set: Path, tmp_path: Path
) -> None:
    import keras

    keras.models.load_model(run_folder / "best.keras", compile=False).save(tmp_path / "bare.keras")
    convert(tmp_path / "bare.keras", tmp_path / "m.tflite", "float32", belt_set / "val" / "images")
    info = read_info(tmp_path / "m.tflite")
    assert info is not None
    assert info.labels.names == ("class0", "class1", "class2", "class3", "class4")


def test_the_source_and_the_arguments_are_checked_first(run_folder: Path, belt_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"
    with pytest.raises(UsageError, match="known schemes are float32, float16"):
        convert(run_folder, out, "int4", belt_set)
    with pytest.raises(UsageError, match=r"must end in \.tflite"):
        convert(run_folder, tmp_path / "m.bin", "int8", belt_set)
    with pytest.raises(UsageError, match="labels, logits"):
        convert(run_folder, out, "int8", belt_set, Options(output="probabilities"))
    with pytest.raises(UsageError, match="at least 1"):
        convert(run_folder, out, "int8", belt_set, Options(frames=0))
    with pytest.raises(DataError, match="no run folder"):
        convert(belt_set, out, "int8", belt_set)
    with pytest.raises(ModelError, match="run folder"):
        convert(tmp_path / "absent.keras", out, "int8", belt_set)
    (tmp_path / "cut.keras").write_bytes((run_folder / "best.keras").read_bytes()[:5000])
    with pytest.raises(ConversionError, match="Keras cannot load it"):
        convert(tmp_path / "cut.keras", out, "int8", belt_set)
    assert not out.exists()


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(run_folder: Path, belt_set: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(run_folder, copy)
    for source, name in ((run_folder, "a"), (copy, "b")):
        convert(source, tmp_path / f"{name}.tflite", "int8", belt_set, Options(frames=4, score=False))
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("network", "channels"), [(name, 1 + 2 * (i % 2)) for i, name in enumerate(MODELS)])
def test_every_network_becomes_all_int8_and_the_light_ones_map_to_the_edge_tpu(
    network: str, channels: int, belt_set: Path, tmp_path: Path
) -> None:
    build(network, (224, 224), channels, 5).save(tmp_path / "m.keras")
    path = tmp_path / "m.tflite"
    options = Options(output="logits", frames=4, min_agreement=0, score=False)
    convert(tmp_path / "m.keras", path, "int8", belt_set, options)
    assert Segmenter(path).channels == channels
    assert Segmenter(path)(np.zeros((90, 120, 3), np.uint8)).shape == (90, 120)
    report = edgetpu.check_file(path)
    assert report.mapped == 1.0, report.advice


def test_other_labels_than_the_models_are_refused(run_folder: Path, make_pairs: Callable, tmp_path: Path) -> None:
    mask = np.kron(np.array([[0, 1]], np.uint8), np.ones((64, 48), np.uint8))
    data = make_pairs(tmp_path / "set", {"train": {"a": mask}, "val": {"b": mask}})
    with pytest.raises(ConversionError, match="knows the classes belt, washer"):
        convert(run_folder, tmp_path / "m.tflite", "int8", data)


@pytest.mark.slow
def test_a_folder_called_converters_in_the_way_does_no_harm(
    run_folder: Path, belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "converters").mkdir()
    (tmp_path / "converters" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    assert convert(run_folder, tmp_path / "m.tflite", "float32", belt_set, Options(score=False)).agreement > 0.99
