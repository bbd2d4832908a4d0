"""A model that loses too much is not written, and says why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

PREVIOUS = b"what was there before"


@pytest.fixture
def quantize(edgeseg: Callable, models: Callable[[str, str], Path], belt_set: Path, tmp_path: Path) -> Callable:
    """A function that quantizes the run's float32 `.tflite` to m.tflite, over a previous file."""
    source = models("float32", "labels")

    def run(*arguments: object) -> object:
        (tmp_path / "m.tflite").write_bytes(PREVIOUS)
        return edgeseg("quantize", source, "--calibrate", belt_set, "-o", tmp_path / "m.tflite", *arguments)

    return run


def test_a_model_that_loses_too_much_is_not_written(quantize: Callable, refused: Callable, tmp_path: Path) -> None:
    result = quantize("--max-drop", -50, "--max-class-drop", -60, "--scheme", "dynamic")
    message = refused(result, 3)
    report = tmp_path / "m_report"
    assert (tmp_path / "m.tflite").read_bytes() == PREVIOUS
    assert sorted(path.name for path in report.iterdir()) == ["report.html", "report.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tflite", "m_report"]
    found = json.loads((report / "report.json").read_text())
    worst, lost = max(found["comparison"]["drops"].items(), key=lambda item: item[1])
    drop = found["comparison"]["drop"]
    assert message.splitlines() == [
        f"edgeseg: m.tflite was not written: it loses {drop:.2f} points of mIoU, more than -50 (--max-drop); "
        f"{worst} loses {lost:.2f} points of IoU, more than -60 (--max-class-drop); "
        "try --scheme mixed, or train with --qat"
    ]
    assert len(found["failures"]) == 2
    html = (report / "report.html").read_text()
    assert "not fit for use" in html
    assert found["failures"][0] in html
    assert found["failures"][0] in " ".join(result.stdout.split())


def test_one_class_that_loses_too_much_is_enough(quantize: Callable, refused: Callable, tmp_path: Path) -> None:
    message = refused(quantize("--max-class-drop", -60, "--max-drop", 100, "--scheme", "float16", "--no-report"), 3)
    assert "points of mIoU" not in message
    assert "points of IoU, more than -60 (--max-class-drop); look at what it cost, or allow more" in message
    assert (tmp_path / "m.tflite").read_bytes() == PREVIOUS
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]


def test_a_model_that_passes_takes_the_name(quantize: Callable, tmp_path: Path) -> None:
    result = quantize("--max-drop", 0.5, "--max-class-drop", 1, "--scheme", "float16", "--json")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "m.tflite").read_bytes()[4:8] == b"TFL3"
    found = json.loads(result.stdout)
    assert found == json.loads((tmp_path / "m_report" / "report.json").read_text())
    assert found["failures"] == []
    assert found["bytes"] == (tmp_path / "m.tflite").stat().st_size


def test_of_several_the_good_ones_are_written(
    edgeseg: Callable, refused: Callable, models: Callable[[str, str], Path], belt_set: Path, tmp_path: Path
) -> None:
    """The same limit for both: float32 keeps every pixel, dynamic cannot."""
    schemes = ["--scheme", "float32", "--scheme", "dynamic"]
    source, folder = models("float32", "labels"), tmp_path / "o"
    limits = ["--min-agreement", 1, "--no-report"]
    result = edgeseg("quantize", source, "--calibrate", belt_set, "-o", folder, *schemes, *limits)
    assert "_dynamic.tflite was not written: it agrees with its source on" in refused(result, 3)
    assert [path.name for path in folder.iterdir()] == ["float32-labels_float32.tflite"]
    rows = [line for line in result.stdout.splitlines() if line.startswith(("float32 ", "dynamic "))]
    assert [row.endswith("refused") for row in rows] == [False, True]
