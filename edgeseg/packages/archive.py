"""A site-packages folder as an archive that is the same, byte for byte, whenever its files are."""

from __future__ import annotations

import gzip
import hashlib
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ID_LENGTH = 16
"""Hex digits."""
TIME = 315_532_800
"""1980: a time that zip files can hold too."""
LEVEL = 6
"""Of gzip; 9 takes thrice as long for half a percent."""
NOT_PACKED = (
    "bin/",  # programs that name the Python of this machine
    "ai_edge_litert/libLiteRtWebGpuAccelerator.so",  # loaded for a GPU, which edgeseg does not use: 17 MB
    "cv2/data/haarcascade_",  # of faces: 10 MB before OpenCV 5
)
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
"""Of a dist-info folder; they hold hashes of those programs and paths of this machine."""


@dataclass(frozen=True)
class Item:
    """A file that goes into the archive."""

    name: str
    mode: int
    """0o644 or 0o755."""
    source: Path | bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def read(self) -> bytes:
        """All of it."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


def gather(folder: Path, own: dict[str, bytes]) -> list[Item]:
    """The files of `folder` that a board needs, and `own` ones by name, in the order of their names.

    Left out are the tests of numpy (6 MB), stubs for type checkers (2 MB), OpenCV's old detectors
    and what LiteRT has for GPUs: nearly half of the files and an eighth of the bytes, which a
    card need not take nor a network carry. Bytecode is made anew by the Python that is there.
    """
    items = [Item(name, 0o644, data) for name, data in own.items()]
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and is_needed(name):
            items.append(Item(name, 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644, path))
    return sorted(items, key=lambda item: item.name)


def is_needed(name: str) -> bool:
    """Whether a board has use for the file of this name."""
    parts = name.split("/")
    if name.startswith(NOT_PACKED) or name == ".lock" or name.endswith((".pyc", ".pyi")):
        return False
    if parts[0] == "numpy" and "tests" in parts:
        return False
    return not (parts[0].endswith(".dist-info") and parts[-1] in INSTALLER_FILES)


def identify(items: Iterable[Item]) -> str:
    """Hex digits that stand for these names, modes and bytes and no others."""
    listed = hashlib.sha256()
    for item in items:
        listed.update(f"{item.name}\0{item.mode:o}\0{hashlib.sha256(item.read()).hexdigest()}\n".encode())
    return listed.hexdigest()[:ID_LENGTH]


def write(path: Path, items: Iterable[Item]) -> None:
    """A .tar.gz of plain files, owned by root, without folders of their own."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for item in items:
            data = item.read()
            member = tarfile.TarInfo(item.name)
            member.size, member.mode, member.mtime = len(data), item.mode, TIME
            archive.addfile(member, BytesIO(data))
