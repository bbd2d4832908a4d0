"""Reading and writing the FAT32 boot partition inside a file or a card, without a mount."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgeseg.customise.partitions import SECTOR, Partition, boot_partition
from edgeseg.errors import DataError, MissingExtraError, OutputError
from edgeseg.flash.units import size_text

Runs = list[tuple[int, int]]
"""(start, stop) in bytes of the image."""


class Store:
    """The sectors of a partition, for FatFs. An error is kept and raised by `check`: its C code would lose it."""

    def __init__(self, descriptor: int, place: Partition) -> None:
        self._descriptor, self._place = descriptor, place
        self.written: Runs = []
        self._error: OSError | None = None

    def ioctl_get_sector_count(self) -> int:
        """Of 512 bytes."""
        return self._place.size // SECTOR

    def ioctl_get_sector_size(self) -> int:
        """In bytes."""
        return SECTOR

    def ioctl_get_block_size(self) -> int:
        """In sectors; nothing is erased here."""
        return 1

    def ioctl_sync(self) -> None:
        """Left to who closes the file."""

    def ioctl_trim(self) -> None:
        """Not known by files."""

    def read(self, sector: int, count: int) -> bytes:
        """`count` is in bytes."""
        try:
            data = os.pread(self._descriptor, count, self._place.start + sector * SECTOR)
        except OSError as error:
            self._error, data = error, b""
        return data.ljust(count, b"\x00")

    def write(self, sector: int, count: int, data: bytes) -> None:
        """`count` is in bytes."""
        start = self._place.start + sector * SECTOR
        try:
            done = os.pwrite(self._descriptor, data, start)
            if done < count:
                raise OSError(28, "no space left")  # what a file gives that a full disk cut short
        except OSError as error:
            self._error = self._error or error
            return
        if self.written and self.written[-1][1] == start:
            self.written[-1] = (self.written[-1][0], start + count)
        else:
            self.written.append((start, start + count))

    def check(self) -> None:
        """Raises OutputError for what was lost since the last call."""
        if self._error:
            error, self._error = self._error, None
            raise OutputError(f"the boot partition cannot be read or written ({error.strerror})") from error


class Fat:
    """A mounted FAT32 file system. Names are ASCII with '/' between; the case of letters does not matter."""

    def __init__(self, store: Store, volume: Any) -> None:
        self._store, self._volume = store, volume

    @property
    def written(self) -> Runs:
        """What changed in the image so far."""
        return self._store.written

    def read(self, path: str) -> bytes | None:
        """A file; None where there is none."""
        there = self._volume.isfile(f"/{path}")
        data: bytes | None = self._volume.read_file(f"/{path}") if there else None
        self._store.check()
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write a file, and folders for it; raises OutputError where it does not arrive whole."""
        folder = path.rpartition("/")[0]
        try:
            if folder:
                self._volume.makedirs(f"/{folder}", exist_ok=True)
            self._volume.write_file(f"/{path}", data)
            arrived = self._volume.stat(f"/{path}")["size"]
        except (OSError, RuntimeError, UnicodeError, _fatfs_error()) as error:
            self._store.check()
            raise OutputError(f"{path}: cannot be written to the boot partition ({error})") from error
        self._store.check()
        if arrived != len(data):  # FatFs writes what there is room for, and says nothing
            raise OutputError(f"{path}: there is no room for it on the boot partition")


@contextmanager
def open_fat(path: Path, writable: bool = False) -> Iterator[Fat]:
    """The boot partition of a disk image or card. FatFs knows one volume at a time, so this must not be nested."""
    try:
        from fatfs import create_extended_partition
    except ImportError as error:
        raise MissingExtraError("fatfs-ng", "flash") from error
    with path.open("r+b" if writable else "rb", buffering=0) as file:
        place = boot_partition(file)
        store = Store(file.fileno(), place)
        volume = create_extended_partition(store)
        try:
            volume.mount()
        except (OSError, RuntimeError, _fatfs_error()) as error:
            raise DataError(f"{path}: its boot partition holds no FAT file system; give a fresh image") from error
        try:
            yield Fat(store, volume)
        finally:
            volume.unmount()
        store.check()
        if writable:
            os.fsync(file.fileno())


def _fatfs_error() -> type[Exception]:
    from fatfs.wrapper import FatFSException

    return FatFSException  # type: ignore[no-any-return]  # the library has no types


def tables(path: Path) -> tuple[int, int, int]:
    """(start, stop) in bytes of the image of all that comes before the files, and the bytes that are free.

    Raises DataError for other than FAT32.
    """
    with path.open("rb") as file:
        place = boot_partition(file)
        file.seek(place.start)
        sector = file.read(SECTOR)
        size, per_cluster, reserved, copies, entries = struct.unpack_from("<HBHBH", sector, 11)
        (sectors, per_table) = struct.unpack_from("<II", sector, 32)
        known = size == SECTOR and per_cluster and copies and per_table and not entries
        if not known or sectors * SECTOR > place.size:
            raise DataError(f"{path}: its boot partition is not FAT32 with sectors of 512 bytes; give a fresh image")
        files = reserved + copies * per_table
        clusters = (sectors - files) // per_cluster
        file.seek(place.start + reserved * SECTOR)
        table = np.frombuffer(file.read(per_table * SECTOR), "<u4")[2 : clusters + 2]
        free = int(np.count_nonzero((table & 0x0FFFFFFF) == 0)) * per_cluster * SECTOR
        return place.start, place.start + (files + per_cluster) * SECTOR, free


def check_room(path: Path, sizes: dict[str, int]) -> None:
    """Raises OutputError that names the largest of `sizes` (bytes by name) where they are too much together."""
    free = tables(path)[2]
    slack = 64 * 1024 * (1 + len(sizes))  # clusters that are not full, and the folders
    needed = sum(sizes.values()) + slack
    if needed > free:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
        named = ", ".join(f"{name} {size_text(sizes[name])}" for name in largest)
        raise OutputError(
            f"the boot partition has {size_text(free)} free and {size_text(needed)} would go onto it ({named}); take "
            "an image with a larger one, or a smaller bundle"
        )
