"""Comparing what is stored with what was written."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from edgeseg.flash.chunks import Piece
from edgeseg.flash.errors import CardError
from edgeseg.flash.target import READ, Target
from edgeseg.flash.units import Report, silent, size_text


def check(target: Target, pieces: Sequence[Piece], report: Report = silent) -> None:
    """Read every piece back, past the cache; raises CardError that says where the first is that differs."""
    total = sum(stop - start for piece in pieces for start, stop in piece.runs)
    done = 0
    for piece in pieces:
        digest = 0
        for start, stop in piece.runs:
            for offset in range(start, stop, READ):
                digest = crc32(target.read(offset, min(READ, stop - offset)), digest)
            done += stop - start
        if digest != piece.digest:
            raise CardError(
                f"{target.name}: gives back other data than was written, at {size_text(piece.runs[0][0])}; it is worn "
                "out, or a counterfeit: take another card"
            )
        report("checking", done, total)
