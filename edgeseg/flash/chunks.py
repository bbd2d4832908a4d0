"""An image in pieces, read, unpacked and digested in a thread of its own while others are written."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event
from typing import BinaryIO

from edgeseg.errors import DataError
from edgeseg.flash.blockmap import ALIGNMENT, BlockMap, Checker
from edgeseg.flash.digest import digest
from edgeseg.flash.image import Image
from edgeseg.flash.target import READ

CHUNK = READ
HEAD = CHUNK
"""The first piece: without it a disk has no partitions and does not boot."""
DEPTH = 4
"""Pieces under way; more gains nothing."""


@dataclass(frozen=True)
class Piece:
    """What is to be found on a card later."""

    runs: tuple[tuple[int, int], ...]
    """(start, stop) in bytes from the start of the disk, the parts that are written."""
    digests: tuple[int, ...]
    """Of the bytes of each."""


@dataclass(frozen=True)
class Chunk:
    """A piece with its bytes, which are reused once the next one is asked for."""

    start: int
    """Of `data`, a multiple of 1 MiB."""
    data: memoryview
    """Page-aligned; past the image's end it is zeros, up to a multiple of 4096."""
    piece: Piece


Ready = SimpleQueue[tuple[mmap.mmap, Chunk] | None]
"""Chunks, each with the buffer that it lies in; None is the end."""


@contextmanager
def read_chunks(image: Image, block_map: BlockMap) -> Iterator[Iterator[Chunk]]:
    """All of the image in pieces of `CHUNK` bytes, but for the last.

    While one is used, others are got ready. Raises DataError for an image that is damaged,
    not of its size or not what its map says.
    """
    free: SimpleQueue[mmap.mmap] = SimpleQueue()
    ready: Ready = SimpleQueue()
    stop = Event()
    for _ in range(DEPTH):
        free.put(mmap.mmap(-1, CHUNK))

    def read() -> None:
        try:
            with image.open() as stream:
                _read_all(stream, image, block_map, free, ready, stop)
        finally:
            ready.put(None)

    with ThreadPoolExecutor(1, "flash-reader") as pool:
        try:
            reader = pool.submit(read)

            def chunks() -> Iterator[Chunk]:
                while item := ready.get():
                    yield item[1]
                    free.put(item[0])
                reader.result()  # raises what ended it

            yield chunks()
        finally:
            stop.set()
            free.put(mmap.mmap(-1, CHUNK))  # wakes it


def _read_all(
    stream: BinaryIO,
    image: Image,
    block_map: BlockMap,
    free: SimpleQueue[mmap.mmap],
    ready: Ready,
    stop: Event,
) -> None:
    checker = Checker(block_map)
    start = 0
    while start < image.size:
        buffer = free.get()
        if stop.is_set():
            return
        length = min(CHUNK, image.size - start)
        padded = -(-length // ALIGNMENT) * ALIGNMENT
        data = memoryview(buffer)
        _fill(stream, data[:length], image)
        data[length:padded] = bytes(padded - length)
        runs = block_map.runs(start, start + length)
        parts = [data[first - start : last - start] for first, last in runs]
        for (first, _), part in zip(runs, parts, strict=True):
            checker.feed(first, part)
        piece = Piece(tuple(runs), tuple(digest(part) for part in parts))
        ready.put((buffer, Chunk(start, data[:padded], piece)))
        start += length
    if stream.read(1):
        raise DataError(f"{image.path}: unpacks to more than the {image.size} bytes it tells of; download it again")


def _fill(stream: BinaryIO, data: memoryview, image: Image) -> None:
    done = 0
    while done < len(data):
        step = stream.readinto(data[done:])  # type: ignore[attr-defined]  # BinaryIO lacks what all of these have
        if not step:
            raise DataError(f"{image.path}: ends before the {image.size} bytes it tells of; download it again")
        done += step
