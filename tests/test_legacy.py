"""The old runtime, in an environment of its own: tflite-runtime 2.14 with NumPy 1 and OpenCV 4."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgeseg import Segmenter
from edgeseg.scene.belt import Belt

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-legacy" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.is_file(), reason="needs .venv-legacy, which make test-slow makes with Python 3.11"),
]

PROGRAM = """
import sys, cv2, numpy, tflite_runtime
from edgeseg import Segmenter
segmenter = Segmenter(sys.argv[1], runtime="tflite-runtime")
assert segmenter.runtime == "tflite-runtime" and numpy.__version__ < "2" and cv2.__version__ < "5"
cv2.imwrite(sys.argv[3], segmenter(cv2.imread(sys.argv[2])))
"""


@pytest.mark.parametrize("output", ["labels", "logits"])
def test_the_old_runtime_runs_a_model_made_today(models, tmp_path: Path, output: str) -> None:
    import cv2

    frame = Belt(99, (64, 96)).frame(7)[0]
    cv2.imwrite(str(tmp_path / "frame.png"), frame)
    model = models("int8", output)
    arguments = [PYTHON, "-c", PROGRAM, model, tmp_path / "frame.png", tmp_path / "mask.png"]
    subprocess.run(arguments, check=True, cwd=ROOT, timeout=300)
    mask = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_UNCHANGED)
    assert np.mean(mask == Segmenter(model)(frame)) > 0.98


def test_live_runs_on_the_old_runtime(models, tmp_path: Path) -> None:
    command = [PYTHON, "-m", "edgeseg", "live", models("int8", "labels"), "--source", "belt:?size=64x96&frames=3"]
    environment = {"EDGESEG_RUNTIME": "tflite-runtime"}
    result = subprocess.run(
        [*command, "--out", f"{tmp_path}/masks/"], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "masks").iterdir())) == 3


def test_the_old_runtime_is_compared_with_the_new(models) -> None:
    model = models("int8", "labels")
    command = [PYTHON, "-m", "edgeseg", "compare", model, model, "belt:?size=64x96", "--frames", "3", "--json"]
    result = subprocess.run(
        [*command, "--runtimes", "litert,tflite-runtime"], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert 0.9 < json.loads(result.stdout)["agreement"] <= 1
