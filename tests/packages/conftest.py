"""Small wheels that stand for what a board needs, and the real thing unpacked."""

import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from edgeseg.bundle.pack import Order, pack
from edgeseg.packages.build import build
from edgeseg.packages.cache import Packages
from edgeseg.packages.errors import PackagesError
from edgeseg.packages.target import Target
from edgeseg.scene.belt import Belt
from tests.packages.wheels import wheel

LIBRARIES = {
    "numpy": "1.26.4",
    "opencv-python-headless": "4.99",
    "ai-edge-litert": "2.99",
    "click": "8.99",
    "aiohttp": "3.99",
    "simplejpeg": "1.99",
    "paho-mqtt": "2.99",
}


@pytest.fixture
def without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all uv knows; empty."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return folder


@pytest.fixture
def libraries(without_network: Path) -> Path:
    """The same, with a wheel of each library that edgeseg requires."""
    for name, version in LIBRARIES.items():
        wheel(without_network, name, version)
    tests = {"numpy/__init__.py": b"", "numpy/__init__.pyi": b"", "numpy/lib/tests/test_lib.py": b""}
    program = {"numpy-1.26.4.dist-info/entry_points.txt": b"[console_scripts]\nf2py = numpy:main\n"}
    wheel(without_network, "numpy", "1.26.4", files=tests | program)
    return without_network


@pytest.fixture(scope="session")
def real_packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Target], tuple[Packages, Path]]]:
    """A function from a target to its packages, as an archive and unpacked; skips without a network."""
    folder = tmp_path_factory.mktemp("packages")

    def make(target: Target) -> tuple[Packages, Path]:
        try:
            packages = build(target, place=folder / "cache")
        except PackagesError as error:
            if "network" not in str(error):
                raise
            pytest.skip(str(error))
        unpacked = folder / packages.id
        if not unpacked.is_dir():
            with tarfile.open(packages.archive) as archive:
                archive.extractall(unpacked, filter="data")
        return packages, unpacked

    yield make
    shutil.rmtree(folder)  # a gigabyte, which pytest would keep three of


@pytest.fixture(scope="session")
def bundle(models: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the belt, with one golden frame in PNG and one in JPEG."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "pictures").mkdir()
    belt = Belt(1, (120, 160))
    for number, suffix in enumerate((".png", ".jpg")):
        cv2.imwrite(str(folder / "pictures" / f"{number}{suffix}"), belt.frame(40 * number)[0])
    return pack(Order(models("int8", "labels"), folder / "pictures", folder / "belt.edgeseg"))[0].path


@pytest.fixture
def here() -> Target:
    """This machine and its Python."""
    return Target(platform.machine(), sys.version_info[:2])
