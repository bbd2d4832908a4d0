"""Calibration takes the memory of one frame, however many there are."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.data.belt import write_belt

pytestmark = pytest.mark.slow

SIZE = (192, 256)
FEW, MANY = 50, 500
"""Read at once, what `MANY` has more would be 265 MB as float32."""
GROWTH = 1.10
CONVERT = """
import resource, sys
from pathlib import Path
from converters.convert import convert
from converters.job import Options

source, out, scheme, data, frames = sys.argv[1:]
options = Options(frames=int(frames), min_agreement=0, max_drop=100, max_class_drop=100)
result = convert(Path(source), Path(out), scheme, Path(data), options)
assert result.coverage.frames == int(frames), result.coverage.frames
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames") / "set"
    write_belt(folder, {"train": MANY, "val": 4}, SIZE)
    return folder


@pytest.fixture(scope="module")
def network(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained."""
    from edgeseg.training.models import build

    path = tmp_path_factory.mktemp("network") / "net.keras"
    build("nano", SIZE, 3, 5).save(path)
    return path


@pytest.fixture(scope="module")
def peak(frames: Path) -> Callable[[Path, Path, int], int]:
    """A function that converts to int8 with so many frames in a fresh process: the worker's peak, in kB."""

    def measure(source: Path, out: Path, count: int) -> int:
        command = [sys.executable, "-c", CONVERT, str(source), str(out), "int8", str(frames), str(count)]
        found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=500)
        assert found.returncode == 0, found.stderr
        return int(found.stdout.splitlines()[-1])

    return measure


@pytest.mark.parametrize("kind", ["keras", "tflite"])
def test_ten_times_the_frames_take_no_more_memory(
    kind: str, network: Path, frames: Path, peak: Callable[[Path, Path, int], int], tmp_path: Path
) -> None:
    source = network
    if kind == "tflite":
        from converters.sources.keras import KerasSource

        source = tmp_path / "net.tflite"
        source.write_bytes(KerasSource(network, None).float_model("logits"))
    few, many = (peak(source, tmp_path / "m.tflite", count) for count in (FEW, MANY))
    print(f"{kind} source: {few / 1024:.0f} MB with {FEW} frames, {many / 1024:.0f} MB with {MANY}")  # noqa: T201
    assert many < GROWTH * few
