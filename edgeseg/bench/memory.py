"""A source that costs nothing: frames that are in memory already, over and over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edgeseg.images import Image
from edgeseg.sources.frame import Frame
from edgeseg.sources.stored import Stored


class MemorySource(Stored):
    """See `edgeseg.sources.Source`; to the loop it is a camera whose next frame is always there."""

    live = True

    def __init__(self, pictures: Sequence[Image] | Sequence[bytes], frames: int) -> None:
        """`pictures` are BGR uint8 HxWx3 or JPEGs, which the loop has to decode; it ends after `frames`."""
        super().__init__(30.0, frames)
        self._pictures = pictures

    def frames(self) -> Iterator[Frame]:
        """Each as soon as it is asked for."""
        for index in range(self.total or 0):
            picture = self._pictures[index % len(self._pictures)]
            name, now = f"{index:06d}", time.monotonic()
            yield Frame(None, name, now, picture) if isinstance(picture, bytes) else Frame(picture, name, now)
