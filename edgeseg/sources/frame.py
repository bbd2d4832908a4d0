"""One frame on its way through the loop."""

from __future__ import annotations

from dataclasses import dataclass

from edgeseg.images import Image


@dataclass(frozen=True)
class Frame:
    """A picture and where it came from."""

    image: Image
    """BGR uint8 HxWx3."""
    name: str
    """Without suffix: the file's own for a folder, else the frame's number."""
    captured: float
    """`time.monotonic()` when it left the camera or file, in seconds."""
