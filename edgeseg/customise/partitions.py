"""Where in an image the boot partition and the root file system lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from edgeseg.errors import DataError

SECTOR = 512
FAT32 = (0x0B, 0x0C)
LINUX = 0x83
_GPT = 0xEE
_TABLE, _ENTRY = 446, 16
_FRESH = "give a fresh Raspberry Pi OS Lite (64-bit) image"


@dataclass(frozen=True)
class Partition:
    """Bytes of an image."""

    start: int
    size: int


def boot_and_root(file: BinaryIO) -> tuple[Partition, Partition]:
    """The first FAT32 and the first Linux partition of a disk with an MBR; raises DataError where either is missing."""
    boot = boot_partition(file)
    root = _first(file, (LINUX,))
    if root is None:
        raise DataError(f"the image has no Linux partition; {_FRESH}")
    return boot, root


def boot_partition(file: BinaryIO) -> Partition:
    """The first FAT32 partition; raises DataError where there is none."""
    if _first(file, (_GPT,)):
        raise DataError(f"the image has a GPT, and a Raspberry Pi's boot partition is found by an MBR; {_FRESH}")
    boot = _first(file, FAT32)
    if boot is None:
        raise DataError(f"the image has no FAT32 boot partition; {_FRESH}")
    return boot


def _first(file: BinaryIO, kinds: tuple[int, ...]) -> Partition | None:
    file.seek(0)
    sector = file.read(SECTOR)
    if len(sector) < SECTOR or sector[510:] != b"\x55\xaa":
        raise DataError(f"there is no partition table; {_FRESH}")
    end = file.seek(0, 2)
    for entry in range(_TABLE, _TABLE + 4 * _ENTRY, _ENTRY):
        kind = sector[entry + 4]
        start, count = struct.unpack_from("<II", sector, entry + 8)
        if kind in kinds:
            if kind != _GPT and (start + count) * SECTOR > end:
                raise DataError("the image ends before its partitions do; download it again")
            return Partition(start * SECTOR, count * SECTOR)
    return None
