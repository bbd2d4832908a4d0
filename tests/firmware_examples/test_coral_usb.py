import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.segmenter import EDGETPU_LIBRARY, EDGETPU_OP

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "firmware_examples" / "coral_usb"
BELT = "belt:?size=64x96&fps=10&frames=25"


@pytest.fixture
def compiled(int8_model: Path, tmp_path: Path) -> Path:
    """What edgeseg takes for a model of the Edge TPU; no machine that lacks the library reads further."""
    try:
        ctypes.CDLL(EDGETPU_LIBRARY)
    except OSError:
        path = tmp_path / "model_edgetpu.tflite"
        path.write_bytes(int8_model.read_bytes() + EDGETPU_OP)
        return path
    pytest.skip("this machine has libedgetpu")


@pytest.fixture
def segment() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    def run(model: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, FOLDER / "segment.py", model, BELT],
            capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60, check=False,
        )  # fmt: skip

    return run


def test_the_processor_takes_over_where_no_accelerator_is(
    compiled: Path, int8_model: Path, segment: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    (compiled.parent / "model.tflite").write_bytes(int8_model.read_bytes())
    done = segment(compiled)
    assert done.returncode == 0, done.stderr
    why, what = done.stderr.splitlines()
    assert f"{EDGETPU_LIBRARY} is not installed" in why
    assert what == "note: going on with model.tflite on the processor"
    lines = done.stdout.splitlines()
    assert len(lines) == 2  # a line a second, of two and a half
    assert all(re.fullmatch(r"\d+\.\d fps( {2}\w+ \d+\.\d%)+", line) for line in lines)
    assert all(abs(sum(map(float, re.findall(r"([\d.]+)%", line))) - 100) < 1 for line in lines)


def test_without_the_other_version_it_says_what_to_do(
    compiled: Path, segment: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    done = segment(compiled)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "install libedgetpu" in line


def test_a_model_for_the_processor_runs_without_a_note(
    int8_model: Path, segment: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    done = segment(int8_model)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_rules_open_both_faces_of_the_accelerator_to_the_group() -> None:
    text = (FOLDER / "60-edgeseg-coral.rules").read_text()
    rules = [
        dict(re.fullmatch(r'([A-Z]+(?:\{\w+\})?={1,2})"([^"]*)"', part).groups() for part in line.split(", "))  # type: ignore[union-attr]
        for line in text.splitlines()
        if not line.startswith("#")
    ]
    assert [(rule["ATTR{idVendor}=="], rule["ATTR{idProduct}=="]) for rule in rules] == [
        ("1a6e", "089a"),
        ("18d1", "9302"),
    ]
    for rule in rules:
        assert (rule["SUBSYSTEM=="], rule["GROUP="], rule["MODE="]) == ("usb", "plugdev", "0660")
