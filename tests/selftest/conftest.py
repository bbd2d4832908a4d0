"""A bundle of the belt, and bundles made of it that lie about one thing."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.manifest import MANIFEST, Member
from edgeseg.bundle.members import write_archive
from edgeseg.bundle.pack import Order, pack
from edgeseg.scene.belt import Belt


def belt_bundle(model: Path, folder: Path) -> Path:
    (folder / "pictures").mkdir(parents=True)
    belt = Belt(1, (120, 160))
    cv2.imwrite(str(folder / "pictures" / "0.png"), belt.frame(0)[0])
    cv2.imwrite(str(folder / "pictures" / "1.jpg"), belt.frame(40)[0])
    return pack(Order(model, folder / "pictures", folder / "belt.edgeseg"))[0].path


@pytest.fixture(scope="session")
def logits_bundle(models: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One PNG and one JPEG through a model of int8 scores."""
    return belt_bundle(models("int8", "logits"), tmp_path_factory.mktemp("bundle") / "logits")


@pytest.fixture(scope="session")
def labels_bundle(models: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same through a model of class ids."""
    return belt_bundle(models("int8", "labels"), tmp_path_factory.mktemp("bundle") / "labels")


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Path]:
    """Change members of a bundle, and have the manifest vouch for what they are now."""

    def alter(path: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
        bundle = Bundle.open(path)
        files = {name: bundle.read(name) for name in bundle.manifest.members}
        files |= {name: change(files[name]) for name, change in changes.items()}
        members = {name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
        manifest = replace(bundle.manifest, members=members).to_bytes()
        out = tmp_path / "altered.edgeseg"
        write_archive(out, files | {MANIFEST: manifest})
        return out

    return alter
