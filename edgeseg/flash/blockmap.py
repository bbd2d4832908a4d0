"""Which blocks of an image hold anything: the `.bmap` files that bmaptool makes, formats 1.3 to 2.0."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from edgeseg.errors import DataError

ALIGNMENT = 4096
"""Block sizes are multiples of this, so that direct writes of whole blocks fit every disk."""
_AGAIN = "download it and its image again, or move it away to write without it"


@dataclass(frozen=True)
class Range:
    """Bytes [start, stop) of an image that hold something."""

    start: int
    stop: int
    digest: str = ""
    """Of these bytes, in hex; empty where there is none to compare with."""


@dataclass(frozen=True)
class BlockMap:
    """What of an image is written; the rest may be anything."""

    size: int
    """Of the image in bytes."""
    ranges: tuple[Range, ...]
    """In order, apart from each other."""
    algorithm: str = "sha256"
    path: Path | None = None
    """None: everything is written."""

    @property
    def mapped(self) -> int:
        """Bytes that are written."""
        return sum(part.stop - part.start for part in self.ranges)

    def runs(self, start: int, stop: int) -> list[tuple[int, int]]:
        """What of bytes [start, stop) is written."""
        first = max(0, bisect_right(self.ranges, start, key=lambda part: part.start) - 1)
        found = []
        for part in self.ranges[first:]:
            if part.start >= stop:
                break
            if part.stop > start:
                found.append((max(start, part.start), min(stop, part.stop)))
        return found


def whole(size: int) -> BlockMap:
    """The map of an image that has none."""
    return BlockMap(size, (Range(0, size),))


class Checker:
    """Compares an image that passes by with the digests of its map."""

    def __init__(self, block_map: BlockMap) -> None:
        self._map = block_map
        self._todo = [part for part in block_map.ranges if part.digest]
        self._todo.reverse()
        self._hash = hashlib.new(block_map.algorithm)

    def feed(self, start: int, data: memoryview) -> None:
        """Take the run of mapped bytes at `start`, each once and in order; DataError where a range is not as told."""
        if not self._todo:
            return
        self._hash.update(data)
        part = self._todo[-1]
        if start + len(data) < part.stop:
            return
        if self._hash.hexdigest() != part.digest:
            raise DataError(f"the image is not what {self._map.path} says from byte {part.start} on; {_AGAIN}")
        self._todo.pop()
        self._hash = hashlib.new(self._map.algorithm)


def find_map(image: Path) -> Path | None:
    """For `name.img.xz`: `name.img.xz.bmap`, `name.img.bmap` or `name.bmap`; None where there is none."""
    stem = image
    while True:
        candidate = stem.with_name(stem.name + ".bmap")
        if candidate.is_file():
            return candidate
        if not stem.suffix:
            return None
        stem = stem.with_suffix("")


def read_map(path: Path, size: int) -> BlockMap:
    """The map of an image of `size` bytes; raises DataError where it is damaged or belongs to another."""
    from xml.etree import ElementTree

    data = path.read_bytes()
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # expat stops entities that grow, since 2.4
        if root.tag != "bmap" or not re.match(r"1\.[3-9]|2\.", root.get("version", "")):
            raise DataError(f"{path}: is no block map of version 1.3 to 2; make it with bmaptool create")
        algorithm = _text(root, "ChecksumType") if root.find("ChecksumType") is not None else "sha1"
        if algorithm not in ("sha1", "sha256", "sha512"):
            raise DataError(f"{path}: its checksums are {algorithm}; make it with bmaptool create")
        told = _text(root, "BmapFileChecksum" if root.find("BmapFileChecksum") is not None else "BmapFileSHA1")
        blank = data.replace(told.encode(), b"0" * len(told), 1)
        if hashlib.new(algorithm, blank).hexdigest() != told:
            raise DataError(f"{path}: is damaged (its own checksum differs); {_AGAIN}")
        if int(_text(root, "ImageSize")) != size:
            raise DataError(f"{path}: belongs to an image of {_text(root, 'ImageSize')} bytes, not {size}; {_AGAIN}")
        block = int(_text(root, "BlockSize"))
        ranges: list[Range] = []
        for element in root.iterfind("BlockMap/Range"):
            first, _, last = (element.text or "").strip().partition("-")
            start, stop = int(first) * block, min((int(last or first) + 1) * block, size)
            if start >= stop or (ranges and start < ranges[-1].stop):
                raise ValueError(f"range {first}")
            ranges.append(Range(start, stop, element.get("chksum") or element.get("sha1") or ""))
    except (ElementTree.ParseError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is damaged ({error}); {_AGAIN}") from error
    if not ranges or block % ALIGNMENT or block <= 0:
        raise DataError(f"{path}: maps nothing, or blocks of {block} bytes; make it with bmaptool create")
    return BlockMap(size, tuple(ranges), algorithm, path)


def _text(root: object, name: str) -> str:
    """Text of a member; ValueError where there is none."""
    text = root.findtext(name)  # type: ignore[attr-defined]  # ElementTree is imported late
    if not text or not text.strip():
        raise ValueError(f"no {name}")
    return str(text).strip()
