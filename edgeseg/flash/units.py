"""Sizes, as cards and images are counted."""

from __future__ import annotations

from collections.abc import Callable

MIB = 1 << 20

Report = Callable[[str, int, int], None]
"""Called as a stage goes on, with its name ('measuring', 'probing', 'writing' or 'checking'), the bytes done and
the bytes in all; 0 where nobody knows them."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """A `Report` that is not interested."""


def size_text(size: int) -> str:
    """31914983424 → '31.9 GB': powers of 1000, as on the card's label."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
