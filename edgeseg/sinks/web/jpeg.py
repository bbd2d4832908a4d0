"""JPEG bytes as cameras send them, made fit for browsers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from edgeseg.images import encode_jpeg

TABLES, SCAN = 0xC4, 0xDA
"""Markers of Huffman tables and of the start of the picture's data."""


def complete_jpeg(jpeg: bytes) -> bytes:
    """The same bytes, with the usual Huffman tables where there are none.

    Many cameras leave them out of MJPEG, and not every browser fills them in.
    """
    for marker, start, _ in _segments(jpeg):
        if marker == TABLES:
            break
        if marker == SCAN:
            return jpeg[:start] + _usual_tables() + jpeg[start:]
    return jpeg


def _segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment up to the picture's data; ends early where it makes no sense."""
    start = 2
    while start + 4 <= len(jpeg) and jpeg[start] == 0xFF:
        end = start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
        yield jpeg[start + 1], start, end
        if jpeg[start + 1] == SCAN:
            return
        start = end


@cache
def _usual_tables() -> bytes:
    """Those that a plain encoder writes, which are the ones that MJPEG means."""
    sample = encode_jpeg(np.zeros((8, 8, 3), np.uint8), 80)
    return b"".join(sample[start:end] for marker, start, end in _segments(sample) if marker == TABLES)
