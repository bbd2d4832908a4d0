"""An image, a bundle and packages that are quick to make."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.bounds import Bounds
from edgeseg.bundle.manifest import MANIFEST, GoldenFrame, Manifest, Member
from edgeseg.bundle.members import write_archive
from edgeseg.customise.settings import Settings
from edgeseg.labels import Labels
from edgeseg.packages.archive import Item, write
from tests.customise.cards import BOOKWORM, Shape, make_image

TOKEN = "a-token-that-is-secret"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6VQ0 somebody@somewhere"


@pytest.fixture(scope="session")
def trixie_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("trixie")
    return make_image(folder / "trixie.img", Shape(), folder)


@pytest.fixture(scope="session")
def bookworm_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("bookworm")
    return make_image(folder / "bookworm.img", BOOKWORM, folder)


@pytest.fixture
def trixie(trixie_image: Path, tmp_path: Path) -> Path:
    """A copy without a map beside it."""
    return Path(shutil.copy(trixie_image, tmp_path / "stock.img"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """It opens and is whole; its model is none."""
    files = {"model.tflite": b"x" * 1000, "golden/0/frame.png": b"f", "golden/0/mask.png": b"m"}
    files["golden/0/stages.npz"] = b"s"
    members = {name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    golden = (GoldenFrame("one.png", "golden/0/frame.png"),)
    live = ("--source", "belt:", "--out", "mqtt://broker/belt")
    manifest = Manifest("parts", Labels.from_names("ab"), Bounds(0.98, 1.0), golden, members, live)
    write_archive(tmp_path / "parts.edgeseg", files | {MANIFEST: manifest.to_bytes()})
    return tmp_path / "parts.edgeseg"


@pytest.fixture
def make_packages(tmp_path: Path) -> Callable[..., Path]:
    """A prepared archive with modules for that Python."""

    def make(python: str = "313", machine: str = "aarch64", size: int = 10) -> Path:
        path = tmp_path / f"packages-{python}.tar.gz"
        data = hashlib.shake_128(b"").digest(size)
        items = [Item("edgeseg/__init__.py", 0o644, b""), Item("numpy/data.bin", 0o644, data)]
        items.append(Item(f"numpy/core.cpython-{python}-{machine}-linux-gnu.so", 0o755, b"\x7fELF"))
        write(path, items)
        return path

    return make


@pytest.fixture
def settings(bundle: Path, make_packages: Callable[..., Path]) -> Settings:
    """As few as there can be."""
    return Settings(bundle=bundle, token=TOKEN, packages=make_packages())
