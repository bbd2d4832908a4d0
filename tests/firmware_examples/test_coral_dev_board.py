import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.images import Image
from edgeseg.segmenter import Segmenter

PROGRAM = Path(__file__).parents[2] / "firmware_examples" / "coral_dev_board" / "segment.py"
ON_MENDEL = {"argparse", "time", "pathlib", "cv2", "numpy", "tflite_runtime.interpreter"}


def segment(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("kind", ["labels", "logits", "int8"])
def test_its_masks_are_edgesegs(
    kind: str, byte_models: Callable[[str], Path], frame_files: str, belt_frames: list[Image], tmp_path: Path
) -> None:
    model = byte_models(kind)
    (tmp_path / "masks").mkdir()
    done = segment(model, frame_files, "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    segmenter = Segmenter(model)
    for number, (frame, line) in enumerate(zip(belt_frames, done.stdout.splitlines(), strict=True)):
        mask = cv2.imread(str(tmp_path / "masks" / f"{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert len(np.unique(mask)) > 1
        assert np.array_equal(mask, segmenter.label_map(frame))
        areas = {int(i): float(share) for i, share in re.findall(r"(\d+): ([\d.]+)%", line)}
        assert areas == {int(i): pytest.approx(np.mean(mask == i) * 100, abs=0.06) for i in np.unique(mask)}


def test_a_video_does_as_well(int8_model: Path, belt_frames: list[Image], tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "belt.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (240, 160))
    for frame in belt_frames:
        writer.write(frame)
    writer.release()
    assert len(segment(int8_model, tmp_path / "belt.avi").stdout.splitlines()) == len(belt_frames)


def test_a_source_without_pictures_is_said(int8_model: Path, tmp_path: Path) -> None:
    done = segment(int8_model, tmp_path / "no.avi")
    assert done.returncode == 1
    assert "gives no picture" in done.stderr


def test_python_3_7_understands_it_and_mendel_has_what_it_imports() -> None:
    tree = ast.parse(PROGRAM.read_text(), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert imported - {"ai_edge_litert.interpreter"} == ON_MENDEL
