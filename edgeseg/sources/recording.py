"""A recording on disk: what `record:DIR` writes and `replay:DIR` reads.

A folder with `recording.json` and segments. A segment, `000000000640.frames`, has the number of
its first frame as its name and holds records, each appended as a whole: a head (`HEAD`:
magic, lengths of the three parts, CRC-32 of the parts), a JSON object, a picture (a JPEG
or PNG file) and a mask (uint8 class ids row by row, through zlib). The first record of a
segment has no picture; its JSON says which model made the masks. A record that is not whole,
as a power cut leaves it, ends its segment.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgeseg.errors import DataError

MANIFEST = "recording.json"
KIND = "edgeseg recording"
VERSION = 1
SUFFIX = ".frames"
MAGIC = b"EDSG"
HEAD = struct.Struct("<4s4I")


@dataclass(frozen=True)
class Record:
    """One piece of a segment."""

    info: dict[str, Any]
    picture: bytes
    mask: bytes
    end: int
    """Bytes from the start of the segment to the next record."""


def manifest() -> dict[str, Any]:
    """What `recording.json` holds."""
    return {"kind": KIND, "version": VERSION}


def check_manifest(folder: Path) -> list[str]:
    """Notes about what this version does not know; raises DataError with the reason why it cannot be read."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: is no recording") from error
    if not isinstance(found, dict) or found.get("kind") != KIND or not isinstance(found.get("version"), int):
        raise DataError(f"{folder}: its {MANIFEST} is something else")
    if found["version"] > VERSION:
        raise DataError(f"{folder}: was recorded by a newer edgeseg (version {found['version']}); update this one")
    unknown = sorted(set(found) - set(manifest()))
    return [f"{folder}: its {MANIFEST} says '{key}', which this edgeseg does not know" for key in unknown]


def pack(info: dict[str, Any], picture: bytes = b"", mask: bytes = b"") -> bytes:
    """A record; `mask` is what `pack_mask` gives."""
    parts = (json.dumps(info, ensure_ascii=False).encode(), picture, mask)
    body = b"".join(parts)
    return HEAD.pack(MAGIC, *map(len, parts), zlib.crc32(body)) + body


def read(file: BinaryIO) -> Iterator[Record]:
    """The records of a segment up to one that is not whole; `file` stands at the start."""
    size, end = os.fstat(file.fileno()).st_size, 0
    while len(head := file.read(HEAD.size)) == HEAD.size:
        magic, *lengths, checksum = HEAD.unpack(head)
        end += HEAD.size + sum(lengths)
        if magic != MAGIC or end > size:
            return
        body = file.read(sum(lengths))
        if len(body) < sum(lengths) or zlib.crc32(body) != checksum:
            return
        picture_at, mask_at = lengths[0], lengths[0] + lengths[1]
        yield Record(json.loads(body[:picture_at]), body[picture_at:mask_at], body[mask_at:], end)


def segments(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())


def segment_path(folder: Path, first: int) -> Path:
    """Where the segment lies that begins with frame number `first`."""
    return folder / f"{first:012d}{SUFFIX}"


def measure(segment: Path) -> tuple[int, int]:
    """Whole frames, and the bytes of what is behind the last of them. Raises OSError."""
    frames, end = -1, 0  # the first record is no frame
    with segment.open("rb") as file:
        for record in read(file):
            frames, end = frames + 1, record.end
    return max(frames, 0), segment.stat().st_size - end
