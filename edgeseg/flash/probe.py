"""Finding out a card that claims to hold more than it does.

Behind its true size such a card throws data away, or writes it over what is further
in front, as though the address were taken modulo that size. So a mark with its own address
is written to each of n neighbours at its front and to every n-th place behind, and all
are read back: whatever multiple of `STEP` the true size is, one mark behind then falls
on one in front. For 64 GB these are 500 marks, a few seconds.
"""

from __future__ import annotations

import math
import mmap
import secrets
from dataclasses import dataclass

from edgeseg.flash.errors import CardError
from edgeseg.flash.target import Target
from edgeseg.flash.units import MIB, Report, silent, size_text

STEP = MIB
MARK = 4096
_NONCE = 16


@dataclass(frozen=True)
class Marks:
    """What was written to find a counterfeit out."""

    nonce: bytes
    """Random, so that marks of another day do not count."""
    places: tuple[int, ...]
    """Addresses in bytes, rising."""

    def at(self, place: int) -> bytes:
        """The mark that belongs there, `MARK` bytes."""
        return (self.nonce + place.to_bytes(_NONCE, "little")) * (MARK // (2 * _NONCE))

    def found(self, data: bytes) -> int | None:
        """The address for which the mark in `data` was written; None where it is none."""
        place = int.from_bytes(data[_NONCE : 2 * _NONCE], "little")
        return place if data == self.at(place) else None


def places(size: int) -> tuple[int, ...]:
    """Where marks go on a card of `size` bytes; the first `STEP` stays blank."""
    steps = size // STEP
    count = math.isqrt(max(0, steps - 1)) + 1
    near = range(1, min(count + 1, steps))
    far = range(2 * count, steps, count)
    return tuple(place * STEP for place in sorted({*near, *far, max(steps - 1, 1)}) if place < steps)


def mark(target: Target, report: Report = silent) -> Marks:
    """Write marks all over the card, which lose what is there, and read them back; CardError for a counterfeit."""
    marks = Marks(secrets.token_bytes(_NONCE), places(target.size))
    buffer = mmap.mmap(-1, MARK)
    for done, place in enumerate(marks.places):
        buffer[:] = marks.at(place)
        target.write(place, memoryview(buffer))
        report("probing", done * MARK, 2 * len(marks.places) * MARK)
    target.flush()
    check_marks(target, marks, 0, report)
    return marks


def check_marks(target: Target, marks: Marks, start: int, report: Report = silent) -> None:
    """Read the marks from byte `start` on; raises CardError for a counterfeit, with what it holds."""
    overlaps = lost = 0
    todo = [place for place in marks.places if place >= start]
    for done, place in enumerate(todo):
        found = marks.found(bytes(target.read(place, MARK)))
        if found is None:
            lost = lost or place
        else:
            overlaps = math.gcd(overlaps, found - place)
        report("probing", (len(todo) + done) * MARK, 2 * len(todo) * MARK)
    if overlaps or lost:
        raise CardError(
            f"{target.name}: this card is a counterfeit or broken: it claims {size_text(target.size)} but keeps no "
            f"more than {size_text(overlaps or lost)}; do not use it, give it back"
        )
