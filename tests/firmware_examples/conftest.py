import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from edgeseg.images import Image
from edgeseg.sources import open_source

EXAMPLES = Path(__file__).parents[2] / "firmware_examples"
NEEDS = {"cmake": "cmake", "c++": "g++", "systemd-analyze": "systemd"}
"""Debian's packages by the program they bring."""


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder with one folder a board."""
    return EXAMPLES


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """Skip where one of the programs is missing, and say what brings it."""

    def check(*programs: str) -> None:
        missing = [NEEDS[program] for program in programs if shutil.which(program) is None]
        if missing:
            pytest.skip(f"this machine lacks it: apt install {' '.join(missing)}")

    return check


@pytest.fixture(scope="session")
def cmake(needs: Callable[..., None]) -> Callable[..., Path]:
    """Build an example's `segment` from its folder into another, with definitions; warnings are errors."""

    def build(source: Path, folder: Path, *definitions: str) -> Path:
        needs("cmake", "c++")
        chosen = [f"-D{definition}" for definition in ("CMAKE_CXX_FLAGS=-Werror", *definitions)]
        for step in (["-S", str(source), "-B", str(folder), *chosen], ["--build", str(folder)]):
            done = subprocess.run(["cmake", *step], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        return folder / "segment"

    return build


@pytest.fixture(scope="session")
def belt_frames() -> list[Image]:
    """Six of the rendered camera, BGR uint8 160x240: larger than the models' pictures, by another factor than two."""
    frames = [frame.image for frame in open_source("belt:?size=160x240&frames=6").frames() if frame is not None]
    assert len({frame.tobytes() for frame in frames}) == 6
    return frames


@pytest.fixture
def frame_files(belt_frames: list[Image], tmp_path: Path) -> str:
    """The same as numbered PNGs: the pattern that cv2.VideoCapture takes."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(belt_frames):
        cv2.imwrite(str(folder / f"{number:06d}.png"), frame)
    return str(folder / "%06d.png")


@pytest.fixture(scope="session")
def byte_models(models: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from 'labels', 'logits' or 'int8' (logits of int8 pixels) to the run's model in 8 bits."""
    from converters.tflite.integer_ends import integer_ends

    signed = tmp_path_factory.mktemp("signed") / "signed.tflite"

    def make(kind: str) -> Path:
        if kind != "int8":
            return models("int8", kind)
        signed.write_bytes(integer_ends(models("int8", "logits").read_bytes(), "int8"))
        return signed

    return make
