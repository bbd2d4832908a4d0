"""Letting frames out at a rate."""

from __future__ import annotations

import time


class Clock:
    """Due every 1/fps seconds; after a delay it goes on from there, without a rush."""

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self.due = time.monotonic()
        """When the next frame is; may be moved."""

    def wait(self) -> float:
        """Sleep until that is; gives the time, `time.monotonic()`."""
        time.sleep(max(0.0, self.due - time.monotonic()))
        now = time.monotonic()
        self.due = max(self.due, now - self._period) + self._period
        return now
