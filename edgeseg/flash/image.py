"""A disk image, plain or compressed, as one stream of known size."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from edgeseg.errors import DataError, MissingExtraError
from edgeseg.flash.sizes import xz_size, zstd_size
from edgeseg.flash.units import MIB, Report, silent
from edgeseg.flash.xz import XzReader

MAGICS = {b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst", b"\x1f\x8b": "gz"}
ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf\x27\x1c": "7z", b"BZh": "bzip2", b"Rar!": "rar"}
SECTOR = 512
SIGNATURE = b"\x55\xaa"
"""The end of the first sector of every disk that a board boots from, be its table MBR or GPT."""


@dataclass(frozen=True)
class Image:
    """A file that holds a whole disk."""

    path: Path
    kind: str
    """'img', 'xz', 'zst' or 'gz': told by what is in the file, not by its name."""
    size: int
    """Unpacked, in bytes."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes; what is wrong with the packed ones is raised as DataError."""
        with _unpacked(self.path, self.kind) as stream:
            yield stream


def open_image(path: Path, report: Report = silent) -> Image:
    """Find out what `path` is and how large it will be.

    The size is in the index or headers of .xz and .zst; where it is not (.gz), the file is
    unpacked once to count. Raises DataError for what is no disk image or is damaged.
    """
    try:
        with path.open("rb") as file:
            start = file.read(SECTOR)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            raise DataError(f"{path}: is a {name} archive; unpack it and give the .img in it")
    kind = next((name for magic, name in MAGICS.items() if start.startswith(magic)), "img")
    with _unpacked(path, kind) as stream:
        first = _read_full(stream, SECTOR)
    if len(first) < SECTOR or not first.endswith(SIGNATURE):
        raise DataError(f"{path}: is no disk image, its first sector is no boot sector; download the .img.xz again")
    return Image(path, kind, _size(path, kind, report))


def _size(path: Path, kind: str, report: Report) -> int:
    if kind == "img":
        return path.stat().st_size
    size = {"xz": xz_size, "zst": zstd_size}.get(kind, lambda _: None)(path)
    if size is not None:
        return size
    done = 0
    with _unpacked(path, kind) as stream:
        while step := len(stream.read(MIB)):
            done += step
            report("measuring", done, 0)
    return done


@contextmanager
def _unpacked(path: Path, kind: str) -> Iterator[BinaryIO]:
    broken: tuple[type[Exception], ...] = (lzma.LZMAError, zlib.error, EOFError)
    if kind == "zst":
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtraError("zstandard", "flash") from error
        broken += (zstandard.ZstdError,)
    elif kind == "gz":
        import gzip

        broken += (gzip.BadGzipFile,)
    try:
        with path.open("rb", buffering=0) as raw:
            if kind == "xz":
                yield cast("BinaryIO", XzReader(raw))
            elif kind == "zst":
                yield cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
            elif kind == "gz":
                with gzip.open(raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield cast("BinaryIO", raw)
    except broken as error:
        raise DataError(f"{path}: is damaged or cut off ({error}); download it again") from error


def _read_full(stream: BinaryIO, length: int) -> bytes:
    parts = b""
    while len(parts) < length and (part := stream.read(length - len(parts))):
        parts += part
    return parts
