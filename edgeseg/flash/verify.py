"""Comparing what is stored with what was written."""

from __future__ import annotations

from collections.abc import Sequence

from edgeseg.flash.chunks import Piece
from edgeseg.flash.digest import digest
from edgeseg.flash.errors import CardError
from edgeseg.flash.target import Target
from edgeseg.flash.units import Report, silent, size_text


def check(target: Target, pieces: Sequence[Piece], report: Report = silent) -> None:
    """Read every piece back, past the cache; raises CardError that says where the first is that differs."""
    total = sum(stop - start for piece in pieces for start, stop in piece.runs)
    done = 0
    for piece in pieces:
        for (start, stop), expected in zip(piece.runs, piece.digests, strict=True):
            if digest(target.read(start, stop - start)) != expected:
                raise CardError(
                    f"{target.name}: gives back other data than was written, at {size_text(start)}; it is worn out, or "
                    "a counterfeit: take another card"
                )
            done += stop - start
        report("checking", done, total)
