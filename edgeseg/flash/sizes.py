"""How large an .xz or .zst file will be, without unpacking it.

Sources: "The .xz File Format" 1.2.1 (tukaani.org) and RFC 8878 for Zstandard.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from edgeseg.errors import DataError

_XZ_HEADER = 12
"""Bytes of a stream's header, and of its footer."""
_ZSTD_MAGIC = 0xFD2FB528
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_RLE = 1
"""A block of one byte that stands for many."""


def xz_size(path: Path) -> int:
    """Sum over the indexes of all streams, read from the end; raises DataError where they are damaged."""
    with path.open("rb") as file:
        end, size = path.stat().st_size, 0
        try:
            while end > 0:
                if end >= 4 and _at(file, end - 4, 4) == b"\0\0\0\0":  # padding between streams
                    end -= 4
                    continue
                packed, unpacked = _xz_stream(file, end)
                end, size = end - packed, size + unpacked
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}: is damaged or cut off (no index at its end); download it again") from error
    return size


def _xz_stream(file: BinaryIO, end: int) -> tuple[int, int]:
    """(packed, unpacked) bytes of the stream that ends at `end`; ValueError where that is none."""
    footer = _at(file, end - _XZ_HEADER, _XZ_HEADER)
    if footer[10:] != b"YZ" or crc32(footer[4:10]) != int.from_bytes(footer[:4], "little"):
        raise ValueError("no footer")
    length = (int.from_bytes(footer[4:8], "little") + 1) * 4
    index = _at(file, end - _XZ_HEADER - length, length)
    if index[0] != 0 or crc32(index[:-4]) != int.from_bytes(index[-4:], "little"):
        raise ValueError("no index")
    count, at = _number(index, 1)
    packed = unpacked = 0
    for _ in range(count):
        block, at = _number(index, at)
        content, at = _number(index, at)
        packed += -(-block // 4) * 4
        unpacked += content
    return packed + length + 2 * _XZ_HEADER, unpacked


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def zstd_size(path: Path) -> int | None:
    """Sum over all frames; None where one does not tell. Raises DataError where they are damaged."""
    with path.open("rb") as file:
        end, at, size = path.stat().st_size, 0, 0
        try:
            while at < end:
                magic = int.from_bytes(_at(file, at, 4), "little")
                if magic in _SKIPPABLE:
                    at += 8 + int.from_bytes(_at(file, at + 4, 4), "little")
                elif magic == _ZSTD_MAGIC:
                    content, at = _zstd_frame(file, at + 4)
                    if content is None:
                        return None
                    size += content
                else:
                    raise ValueError("no frame")
            if at > end:
                raise ValueError("cut off")
        except ValueError as error:
            raise DataError(f"{path}: is damaged or cut off; download it again") from error
    return size


def _zstd_frame(file: BinaryIO, at: int) -> tuple[int | None, int]:
    """Unpacked bytes, None where the header does not tell, and where the frame ends."""
    descriptor = _at(file, at, 1)[0]
    single = descriptor >> 5 & 1
    at += 1 + (1 - single) + (0, 1, 2, 4)[descriptor & 3]  # past the window and the dictionary's number
    width = (single, 2, 4, 8)[descriptor >> 6]
    content = int.from_bytes(_at(file, at, width), "little") + (256 if width == 2 else 0) if width else None
    at += width
    last = False
    while not last:
        block = int.from_bytes(_at(file, at, 3), "little")
        last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
        at += 3 + (1 if kind == _RLE else length)
    return content, at + 4 * (descriptor >> 2 & 1)  # its checksum


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    """Exactly `length` bytes; ValueError where the file has not so many."""
    if offset < 0:
        raise ValueError("cut off")
    file.seek(offset)
    data = file.read(length)
    if len(data) < length:
        raise ValueError("cut off")
    return data
