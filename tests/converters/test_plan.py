from pathlib import Path

import pytest

from converters.plan import Step, plan
from converters.schemes import SCHEMES
from edgeseg.errors import DataError, UsageError
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, attach

RUN = Path("run")


@pytest.fixture
def keras(tmp_path: Path) -> Path:
    """A `.keras` file that says of itself what a training without fake quantization does."""
    return described(tmp_path / "net.keras", {})


def described(path: Path, provenance: dict[str, object]) -> Path:
    attach(path, ModelInfo("nano", Labels.numbered(2), (32, 32), 3, "logits", provenance))
    return path


def names(steps: list[Step]) -> list[str]:
    return [step.scheme for step in steps]


def test_one_model_by_one_scheme_is_the_file_that_was_asked_for() -> None:
    (step,) = plan([RUN], ["int8"], Path("o/m.tflite"))
    assert step == Step(RUN, "int8", Path("o/m.tflite"))
    assert step.report == Path("o/m_report")


def test_several_go_into_a_folder_by_source_and_scheme() -> None:
    steps = plan([Path("a/net.keras"), Path("b/other.tflite")], ["int8", "float16"], Path("o"))
    assert [step.out.name for step in steps] == [
        "net_int8.tflite",
        "net_float16.tflite",
        "other_int8.tflite",
        "other_float16.tflite",
    ]
    assert {step.out.parent for step in steps} == {Path("o")}
    assert {step.report.name for step in steps} >= {"net_int8_report", "other_float16_report"}


def test_one_may_go_into_a_folder_too() -> None:
    assert [step.out for step in plan([RUN], ["int8"], Path("o"))] == [Path("o/run_int8.tflite")]


def test_a_scheme_named_twice_is_done_once() -> None:
    assert names(plan([RUN], ["int8", "int8"], Path("o"))) == ["int8"]


def test_all_is_every_scheme_that_suits_the_source(keras: Path, tmp_path: Path) -> None:
    every = [scheme.NAME for scheme in SCHEMES]
    assert names(plan([keras], ["all"], Path("o"))) == [name for name in every if name != "qat"]
    assert names(plan([described(tmp_path / "aware.keras", {"qat": True})], ["all"], Path("o"))) == ["qat"]
    assert names(plan([Path("m.tflite")], ["all"], Path("o"))) == ["float32", "float16", "dynamic", "int8", "mixed"]
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    assert names(plan([tmp_path / "saved"], ["all"], Path("o"))) == [name for name in every if name != "qat"]
    assert names(plan([keras], ["int8", "all"], Path("o")))[0] == "int8"


@pytest.mark.parametrize(
    ("sources", "schemes", "out", "said"),
    [
        ([RUN], ["int8", "float16"], "m.tflite", r"is one file for 2 models; give -o a folder"),
        ([RUN], ["int8"], "m.bin", r"must end in \.tflite"),
        ([RUN], ["int4"], "o", r"known schemes are float32, float16"),
        ([Path("a/net.keras"), Path("b/net.keras")], ["int8"], "o", r"same name; convert them one by one"),
    ],
)
def test_what_does_not_fit_together_is_refused(sources: list[Path], schemes: list[str], out: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan(sources, schemes, Path(out))


def test_all_of_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run folder"):
        plan([tmp_path], ["all"], Path("o"))
