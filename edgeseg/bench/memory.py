"""A source that costs nothing: frames that are in memory already, over and over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edgeseg.images import Image
from edgeseg.sources.frame import Frame


class MemorySource:
    """See `edgeseg.sources.Source`."""

    def __init__(self, pictures: Sequence[Image] | Sequence[bytes], frames: int) -> None:
        """`pictures` are BGR uint8 HxWx3 or JPEGs, which the loop has to decode; it ends after `frames`."""
        self._pictures = pictures
        self.total: int | None = frames
        self.fps = 30.0
        self.live = False
        self.dropped = 0
        self.state = ""
        self.eager = False
        self.notes: list[str] = []

    def frames(self) -> Iterator[Frame]:
        """Each as soon as it is asked for."""
        for index in range(self.total or 0):
            picture = self._pictures[index % len(self._pictures)]
            name, now = f"{index:06d}", time.monotonic()
            yield Frame(None, name, now, picture) if isinstance(picture, bytes) else Frame(picture, name, now)

    def close(self) -> None:
        """Nothing to free."""
