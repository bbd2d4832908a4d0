"""Every scheme on every kind of source: a model that runs, knows itself, and proves to be what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.convert import convert
from converters.job import Options
from converters.plan import ALL, plan
from converters.schemes import SCHEMES, qat, scheme
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.model_info import ModelInfo, read_info
from edgeseg.segmenter import Segmenter

SLOW_SCHEMES = ("float16", "dynamic", "int16x8", "mixed")
"""Of a run, what takes TensorFlow one conversion more; from a `.tflite` nothing does."""
FROM_SAVED_MODEL = ("float32", "int8")
"""Tried of a SavedModel, and slow: once it is loaded, all goes the way of a run."""
BY_SOURCE = {
    "run": ("float32", "float16", "dynamic", "int8", "int16x8", "mixed"),
    "saved_model": ("float32", "float16", "dynamic", "int8", "int16x8", "mixed"),
    "tflite": ("float32", "float16", "dynamic", "int8", "mixed"),
}
QAT_ONLY = "qat needs a network that was trained for it: see test_qat.py"
LENIENT = Options(min_agreement=0, max_drop=100, max_class_drop=100)
ACCEPTED = {
    "float32": {"float32"},
    "float16": {"float16"},
    "dynamic": {"dynamic"},
    "int8": {"int8"},
    "int16x8": {"int16x8"},
}
"""Scheme to those whose files its `prove` takes; mixed promises nothing that a file alone can show."""


def cases() -> list[object]:
    tried = BY_SOURCE | {"saved_model": FROM_SAVED_MODEL}
    slow = [*(("run", name) for name in SLOW_SCHEMES), *(("saved_model", name) for name in FROM_SAVED_MODEL)]
    return [
        pytest.param(source, name, marks=[pytest.mark.slow] if (source, name) in slow else [])
        for source, names in tried.items()
        for name in names
    ]


@pytest.fixture(scope="module")
def sources(
    run_folder: Path, models: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function from the kind to a source; all three hold the same network."""
    exported = tmp_path_factory.mktemp("exported") / "saved_model"

    def make(kind: str) -> Path:
        if kind == "saved_model" and not exported.is_dir():
            import keras

            keras.models.load_model(run_folder / "best.keras", compile=False).export(exported, verbose=False)
        return {"run": run_folder, "saved_model": exported}.get(kind) or models("float32", "labels")

    return make


@pytest.fixture(scope="module")
def converted(
    sources: Callable[[str], Path],
    models: Callable[[str, str], Path],
    belt_set: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str], Path]:
    """A function from (kind of source, scheme) to the model, converted once."""
    folder = tmp_path_factory.mktemp("converted")

    def make(kind: str, name: str) -> Path:
        path = folder / f"{kind}-{name}.tflite"
        if kind == "run":
            return models(name, "labels")
        if not path.is_file():
            options = Options(
                min_agreement=0, max_drop=100, max_class_drop=100, input_range=(0, 255), score=name != "mixed"
            )
            result = convert(sources(kind), path, name, belt_set, options)
            assert (result.scheme, result.failures) == (name, ())
        return path

    return make


def test_only_qat_is_left_out_and_its_tests_are_elsewhere() -> None:
    names = {each.NAME for each in SCHEMES}
    assert set(BY_SOURCE["run"]) == names - {qat.NAME}
    assert set(ACCEPTED) == names - {"mixed", qat.NAME}
    assert (Path(__file__).parent / "test_qat.py").is_file(), QAT_ONLY


@pytest.mark.parametrize("kind", BY_SOURCE)
def test_all_stands_for_the_schemes_that_are_tried_here(sources: Callable[[str], Path], kind: str) -> None:
    assert [step.scheme for step in plan([sources(kind)], [ALL], Path("o"))] == list(BY_SOURCE[kind])


@pytest.mark.parametrize(("kind", "name"), cases())
def test_the_result_runs_knows_itself_and_proves_itself(
    converted: Callable[[str, str], Path], belt_set: Path, kind: str, name: str
) -> None:
    path = converted(kind, name)
    scheme(name).prove(path.read_bytes())
    info = read_info(path)
    assert isinstance(info, ModelInfo)
    assert info.provenance["scheme"] == name
    assert info.provenance["calibration_frames"] == (24 if scheme(name).CALIBRATES else 0)
    assert info.output == "labels"
    assert info.labels.names == ("belt", "washer", "nut", "bolt", "scratch")
    mask = Segmenter(path)(np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8))
    assert (mask.shape, mask.dtype) == ((50, 70), np.uint8)
    assert mask.max() < 5
    assert {tensor.shape[0] for tensor in operators(path.read_bytes())[0].inputs if not tensor.constant} == {1}


@pytest.mark.parametrize(("kind", "name"), cases())
def test_the_result_is_as_good_as_the_run(
    converted: Callable[[str, str], Path], run_folder: Path, belt_set: Path, kind: str, name: str
) -> None:
    whole = evaluate_file(run_folder, belt_set).scores.miou
    exact = name in ("float32", "float16")
    assert evaluate_file(converted(kind, name), belt_set).scores.miou == pytest.approx(
        whole, abs=0.002 if exact else 0.04
    )


def refusals(kind: str, names: tuple[str, ...], converted: Callable[[str, str], Path]) -> dict[str, set[str]]:
    """By scheme, the schemes whose files its `prove` takes."""
    taken: dict[str, set[str]] = {}
    messages: list[str] = []
    for name in set(names) & set(ACCEPTED):
        taken[name] = set()
        for other in names:
            try:
                scheme(name).prove(converted(kind, other).read_bytes())
            except ConversionError as error:
                messages.append(str(error))
            else:
                taken[name].add(other)
    assert all(message.startswith("operator ") and "\n" not in message for message in messages), messages
    return taken


def test_each_scheme_takes_its_own_files_and_refuses_the_others(converted: Callable[[str, str], Path]) -> None:
    names = tuple(name for name in BY_SOURCE["tflite"] if name != "mixed")
    assert refusals("tflite", names, converted) == {name: ACCEPTED[name] for name in names}


@pytest.mark.slow
def test_so_it_is_with_the_files_that_tensorflow_made(converted: Callable[[str, str], Path]) -> None:
    names = tuple(name for name in BY_SOURCE["run"] if name != "mixed")
    assert refusals("run", names, converted) == ACCEPTED


@pytest.mark.parametrize("name", ["int16x8", "qat"])
def test_what_needs_keras_refuses_a_tflite(
    sources: Callable[[str], Path], belt_set: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConversionError, match=r"trained without fake quantization|made from a Keras model"):
        convert(sources("tflite"), tmp_path / "m.tflite", name, belt_set, LENIENT)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scheme_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        scheme("int3")
    assert all(each.NAME in str(caught.value) for each in SCHEMES)
