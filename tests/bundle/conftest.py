"""A bundle of a few bytes, for tests of the archive alone."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.bounds import Bounds
from edgeseg.bundle.manifest import MANIFEST, GoldenFrame, Manifest, Member
from edgeseg.bundle.members import write_archive
from edgeseg.labels import Labels

FILES = {
    "model.tflite": b"not looked into" * 100,
    "golden/0/frame.png": b"frame",
    "golden/0/mask.png": b"mask",
    "golden/0/stages.npz": b"stages",
}


def listed(files: dict[str, bytes]) -> Manifest:
    members = {name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    golden = (GoldenFrame("one.png", "golden/0/frame.png"),)
    return Manifest("parts", Labels.from_names("ab"), Bounds(0.98, 1.0), golden, members, ("--source", "belt:"))


@pytest.fixture
def files() -> dict[str, bytes]:
    """The members of a good bundle, its manifest with them."""
    return FILES | {MANIFEST: listed(FILES).to_bytes()}


@pytest.fixture
def manifest() -> Manifest:
    return listed(FILES)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write members as an archive."""

    def make(files: dict[str, bytes]) -> Path:
        path = tmp_path / "parts.edgeseg"
        write_archive(path, files)
        return path

    return make
