"""From an image to a customised one, which is then written as any other."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeseg.customise.changes import READ_BEFORE, Changes, make_changes
from edgeseg.customise.cloudinit import own_user_data
from edgeseg.customise.ext4 import Ext4
from edgeseg.customise.fat import check_room, open_fat, tables
from edgeseg.customise.partitions import boot_and_root
from edgeseg.customise.parts import read_given
from edgeseg.customise.settings import Settings
from edgeseg.customise.system import System, read_system
from edgeseg.errors import UsageError
from edgeseg.flash.blockmap import ALIGNMENT, BlockMap, Range
from edgeseg.flash.image import Image
from edgeseg.flash.units import Report, silent, size_text
from edgeseg.flash.write import map_of, write_file


@dataclass(frozen=True)
class Unpacked:
    """An image as a file that may be changed, with what is to be put onto it."""

    path: Path
    block_map: BlockMap
    """Of the image as it was."""
    system: System
    changes: Changes


@contextmanager
def unpacked(
    image: Image, settings: Settings, report: Report = silent, say: Callable[[str], None] = lambda _: None
) -> Iterator[Unpacked]:
    """Unpack `image` to a temporary file that only this user can read, and find out what changes; nothing is changed.

    The file goes, whatever happens. Raises UsageError where there is no room for it, OutputError
    where the changes would not fit, and what `make_changes` and `read_system` raise.
    """
    given = read_given(settings)  # before the minute that this takes
    if settings.cloud_init:
        own_user_data(settings.cloud_init)
    block_map = map_of(image)
    place = Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    if free < block_map.mapped:
        raise UsageError(
            f"{place}: has {size_text(free)} free, and the image is unpacked there ({size_text(block_map.mapped)}); "
            "set TMPDIR to a folder with more"
        )
    with tempfile.TemporaryDirectory(prefix="edgeseg-flash-", dir=place) as folder:  # for its owner alone
        path = Path(folder) / "card.img"
        write_file(image, path, verify=False, report=lambda _, done, total: report("unpacking", done, total))
        path.chmod(0o600)
        with path.open("rb") as file:
            _, root = boot_and_root(file)
            system = read_system(Ext4(file, root.start))
        tables(path)  # refuses what is not FAT32 before FatFs looks at it
        with open_fat(path) as fat:
            before = {name: data for name in READ_BEFORE if (data := fat.read(name)) is not None}
        changes = make_changes(settings, system, before, say, given)
        check_room(path, {name: len(data) for name, data in changes.files.items()})
        yield Unpacked(path, block_map, system, changes)


def apply(found: Unpacked) -> tuple[Image, BlockMap]:
    """Put the changes onto the unpacked image; gives it with the map of what is to be written of it."""
    with open_fat(found.path, writable=True) as fat:
        for name, data in found.changes.files.items():
            fat.write(name, data)
    start, stop, _ = tables(found.path)
    size = found.path.stat().st_size
    return Image(found.path, "img", size), joined(found.block_map, [*fat.written, (start, stop)])


def joined(block_map: BlockMap, written: list[tuple[int, int]]) -> BlockMap:
    """The map with all blocks of `written` in it, which its digests can no longer vouch for.

    Not the holes of the unpacked file: zeros that an image without a map has must be written,
    such as a FAT's, where a used card has something else.
    """
    if block_map.path is None:
        return block_map
    size = block_map.size
    aligned = [
        (start // ALIGNMENT * ALIGNMENT, min(-(-stop // ALIGNMENT) * ALIGNMENT, size)) for start, stop in written
    ]
    runs = sorted([*((part.start, part.stop) for part in block_map.ranges), *aligned])
    ranges: list[tuple[int, int]] = []
    for start, stop in runs:
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(stop, ranges[-1][1])
        else:
            ranges.append((start, stop))
    return BlockMap(size, tuple(Range(start, stop) for start, stop in ranges), path=block_map.path)
