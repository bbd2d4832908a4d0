"""Writing an image, so that what was interrupted does not look bootable."""

from __future__ import annotations

import mmap
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgeseg.errors import OutputError, UsageError
from edgeseg.files import replacing
from edgeseg.flash.blockmap import ALIGNMENT, BlockMap, find_map, read_map, whole
from edgeseg.flash.chunks import HEAD, Chunk, Piece, read_chunks
from edgeseg.flash.disks import Disk, find, list_disks
from edgeseg.flash.errors import CutShortError
from edgeseg.flash.image import Image
from edgeseg.flash.probe import check_marks, mark
from edgeseg.flash.sparse_file import open_file
from edgeseg.flash.target import Target
from edgeseg.flash.units import Report, silent
from edgeseg.flash.verify import check


@dataclass(frozen=True)
class Written:
    """What became of an image."""

    written: int
    """Bytes; fewer than `size` where a block map told which."""
    size: int
    """Bytes of the image."""
    verified: bool
    """Was read back and is what was written."""


def map_of(image: Image) -> BlockMap:
    """The block map beside the image, or one of all that it holds; DataError where it belongs to another."""
    path = find_map(image.path)
    return read_map(path, image.size) if path else whole(image.size)


def write_file(
    image: Image, path: Path, verify: bool = True, report: Report = silent, block_map: BlockMap | None = None
) -> Written:
    """Unpack `image` to the sparse file `path`, which is there as a whole or not at all.

    `block_map` stands in for the one beside the image.
    """
    block_map = block_map or map_of(image)
    with replacing(path) as temporary, open_file(temporary, str(path), image.size) as target:
        head, pieces = _write_body(image, block_map, target, report)
        _put(target, head)
        target.flush()
        if verify:
            check(target, [head.piece, *pieces], report)
    return Written(block_map.mapped, image.size, verify)


def write_card(
    image: Image, disk: Disk, verify: bool = True, report: Report = silent, block_map: BlockMap | None = None
) -> Written:
    """Write `image` to a disk that `edgeseg.flash.disks.refusal` lets pass.

    Its first MiB is blank from the start on and is written once all else is there and, with
    `verify`, proven. Raises UsageError before anything is written, CardError for a card
    that is broken or a counterfeit, DataError for a damaged image and CutShortError after
    Ctrl-C: after each of these it does not boot.
    """
    from edgeseg.flash.card import open_card  # here, since other systems than Linux lack what it needs

    block_map = block_map or map_of(image)
    with open_card(disk.path) as card:
        now = find(list_disks(), Path(disk.path))  # held open, so it stays the one that is compared here
        if now.identity != disk.identity or card.size != disk.size or image.size > card.size:
            raise UsageError(f"{disk.path}: is another disk than a moment ago; run the same command again")
        try:
            _blank_ends(card)
            marks = mark(card, report)
            head, pieces = _write_body(image, block_map, card, report)
            card.flush()
            if verify:
                check(card, pieces, report)
                check_marks(card, marks, image.size)
            _put(card, head)
            card.flush()
            if verify:
                check(card, [head.piece])
        except BaseException as error:
            with suppress(OutputError):
                _blank_ends(card)
            if isinstance(error, KeyboardInterrupt):
                raise CutShortError(
                    f"{disk.path}: interrupted; it does not boot, run the same command again to write it"
                ) from error
            raise
        card.read_partitions()
    return Written(block_map.mapped, image.size, verify)


def _write_body(image: Image, block_map: BlockMap, target: Target, report: Report) -> tuple[Chunk, list[Piece]]:
    """Write all but the first MiB; gives that, and what the rest must read as."""
    head: Chunk | None = None
    pieces = []
    done = 0
    with read_chunks(image, block_map) as chunks:
        for chunk in chunks:
            if head is None:
                kept = memoryview(mmap.mmap(-1, HEAD))[: len(chunk.data)]
                kept[:] = chunk.data
                head = Chunk(0, kept, chunk.piece)
            else:
                _put(target, chunk)
                pieces.append(chunk.piece)
            done += sum(stop - start for start, stop in chunk.piece.runs)
            report("writing", done, block_map.mapped)
    assert head is not None  # an image has a first sector
    return head, [piece for piece in pieces if piece.runs]


def _put(target: Target, chunk: Chunk) -> None:
    for start, stop in chunk.piece.runs:
        end = -(-stop // ALIGNMENT) * ALIGNMENT
        target.write(start, chunk.data[start - chunk.start : end - chunk.start])


def _blank_ends(card: Target) -> None:
    """Take the partition table away, and its copy at the end: a boot loader may mend the one from the other."""
    zeros = memoryview(mmap.mmap(-1, HEAD + ALIGNMENT))
    card.write(0, zeros[:HEAD])
    card.write(max(0, card.size - HEAD) // ALIGNMENT * ALIGNMENT, zeros)
    card.flush()
