"""The newest frame, from the loop's thread to the page's."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeseg.sinks.sink import Segmented


class Slot:
    """One place that is overwritten. The loop's thread puts, the page's looks and says when it wants to be told."""

    __slots__ = ("_tell", "arrived", "newest", "wanted")

    def __init__(self) -> None:
        self.newest: Segmented | None = None
        self.arrived = 0.0
        """`time.monotonic()` when it came, in seconds."""
        self.wanted = False
        """Somebody waits for the next frame."""
        self._tell: Callable[[], object] = lambda: None

    def put(self, segmented: Segmented) -> None:
        """Take a frame; tells of it once for each time that it was wanted."""
        self.newest, self.arrived = segmented, time.monotonic()
        if self.wanted:
            self.wanted = False
            self._tell()

    def tell(self, callback: Callable[[], object]) -> None:
        """Call `callback` from the loop's thread when a wanted frame comes."""
        self._tell = callback

    @property
    def idle_s(self) -> float | None:
        """Since the newest frame came; None before the first."""
        return time.monotonic() - self.arrived if self.newest is not None else None
