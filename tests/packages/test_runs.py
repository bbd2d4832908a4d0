"""The real packages with nothing beside them, on this machine and as a board has them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.packages.cache import Packages
from edgeseg.packages.target import Target
from edgeseg.version import __version__
from tests.packages import arm

pytestmark = pytest.mark.slow
Real = Callable[[Target], tuple[Packages, Path]]


def run(command: list[str], unpacked: Path, cwd: Path, *arguments: object) -> str:
    """Without the libraries of that Python, which `-S` leaves out."""
    environment = {"PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(cwd)}
    done = subprocess.run(
        [*command, "-S", *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=cwd, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_packages_are_complete(real_packages: Real, here: Target, bundle: Path, tmp_path: Path) -> None:
    packages, unpacked = real_packages(here)
    python = [sys.executable]
    assert __version__ in run(python, unpacked, tmp_path, "-m", "edgeseg", "--version")
    listed = run(python, unpacked, tmp_path, "-m", "edgeseg", "--help")
    assert "selftest" in listed
    assert "quantize" in listed
    assert ": fine" in run(python, unpacked, tmp_path, "-m", "edgeseg", "selftest", bundle)
    where = "import edgeseg, cv2, numpy; print(edgeseg.__file__, cv2.__file__, numpy.__file__)"
    assert all(place.startswith(str(unpacked)) for place in run(python, unpacked, tmp_path, "-c", where).split())
    versions = "from importlib.metadata import *; print(*sorted((d.name, d.version) for d in distributions()))"
    assert run(python, unpacked, tmp_path, "-c", versions).strip() == " ".join(
        str(each) for each in sorted(packages.versions.items())
    )


def test_live_runs_on_the_packages_alone(real_packages: Real, here: Target, bundle: Path, tmp_path: Path) -> None:
    _, unpacked = real_packages(here)
    options = ("--source", "belt:?size=64x96&frames=3", "--out", f"{tmp_path}/masks/")
    run([sys.executable], unpacked, tmp_path, "-m", "edgeseg", "live", bundle, *options)
    assert len(list((tmp_path / "masks").iterdir())) == 3


@pytest.mark.parametrize(("suite", "python"), [("bookworm", (3, 11)), ("trixie", (3, 13))])
def test_an_arm_board_segments_as_this_machine_does(
    real_packages: Real, bundle: Path, tmp_path: Path, suite: str, python: tuple[int, int]
) -> None:
    board = arm.command(suite, ".".join(map(str, python)))
    _, unpacked = real_packages(Target("aarch64", python))
    assert run(board, unpacked, tmp_path, "-c", "import platform; print(platform.machine())").strip() == "aarch64"
    assert ": fine" in run(board, unpacked, tmp_path, "-m", "edgeseg", "selftest", bundle)
