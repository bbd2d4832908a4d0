"""A file, a folder or the belt, played as fast as it was taken: as if it were a camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeseg.errors import SourceError
from edgeseg.sources.capture import Capture
from edgeseg.sources.clock import Clock
from edgeseg.sources.frame import Frame

if TYPE_CHECKING:
    from edgeseg.sources import Source


def realtime(source: Source) -> Source:
    """`source` at its own rate, dropping frames where the loop is slower; a live one is so already."""
    return source if source.live else Played(source)


class Played(Capture):
    """See `edgeseg.sources.Source`; frames keep their names."""

    def __init__(self, source: Source) -> None:
        self._player = _Player(source)
        super().__init__("", lambda: self._player)

    def frames(self) -> Iterator[Frame | None]:
        """Ends with the source; raises SourceError where that breaks off."""
        yield from super().frames()
        if self._player.broken:
            raise self._player.broken


class _Player:
    """See `edgeseg.sources.capture.Grabber`; a file that breaks off is at its end, it does not come back."""

    def __init__(self, source: Source) -> None:
        self._source, self._frames = source, source.frames()
        self.fps = source.fps
        self.notes = source.notes
        self.broken: SourceError | None = None
        self._clock = Clock(source.fps)

    def read(self) -> Frame | None:
        """The next frame, when it is due."""
        try:
            frame = next(self._frames, None)
        except SourceError as error:
            self.broken = error
            return None
        if frame is not None:
            frame.captured = self._clock.wait()
        return frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()
