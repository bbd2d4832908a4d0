"""What an image is written to."""

from __future__ import annotations

from typing import Protocol


class Target(Protocol):
    """A place for an image. Offsets are multiples of 4096; what reaches past `size` is left out."""

    name: str
    size: int
    """Bytes."""

    def write(self, offset: int, data: memoryview) -> None:
        """Write `data`, which is page-aligned; raises OutputError where it is not taken."""

    def read(self, offset: int, length: int) -> memoryview:
        """What is stored, not what a cache holds, at most `READ` bytes; valid until the next read."""

    def flush(self) -> None:
        """Return once everything is stored; raises OutputError where something was lost."""


READ = 1 << 20
"""Bytes, few enough that a core's own cache holds them while they are read, digested and written."""
