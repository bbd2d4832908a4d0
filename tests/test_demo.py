"""The main job, whole: what `make demo` runs, and the figures that it promises."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("demo") / "demo"
    command = [sys.executable, "-m", "edgeseg", "demo", "-o", str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return out, result.stdout


def test_it_leaves_model_report_and_video(demo: tuple[Path, str]) -> None:
    out, printed = demo
    assert {path.name for path in out.iterdir()} == {
        ".edgeseg-demo",
        "belt.tflite",
        "data",
        "overlay.mp4",
        "report.json",
        "report.md",
        "report.png",
        "run",
    }
    assert cv2.VideoCapture(str(out / "overlay.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 240
    assert cv2.imread(str(out / "report.png")).shape[0] > 600
    for linked in re.findall(r"\]\((.+?)\)", (out / "report.md").read_text()):
        assert (out / linked).is_file()
    assert "edgeseg live" in printed.splitlines()[-3]


def test_unseen_belts_are_segmented_in_float32_and_in_int8(demo: tuple[Path, str]) -> None:
    figures = json.loads((demo[0] / "report.json").read_text())
    assert figures["float32"]["miou"] >= 0.90
    assert figures["int8"]["miou"] >= 0.90
    assert figures["float32"]["miou"] - figures["int8"]["miou"] <= 0.01


def test_another_seed_altogether_is_segmented_too(demo: tuple[Path, str], edgeseg: Callable, tmp_path: Path) -> None:
    assert edgeseg("data", "belt", tmp_path / "set", "--seed", 77, "--train", 1, "--val", 64).returncode == 0
    found = json.loads(edgeseg("evaluate", demo[0] / "belt.tflite", tmp_path / "set", "--json").stdout)
    assert found["miou"] >= 0.90
