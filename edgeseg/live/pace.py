"""Taking no more frames a second than were asked for."""

from __future__ import annotations

import threading
import time

WEIGHT = 0.1
"""Of the newest frame in the running mean of the loop's period."""


class Pace:
    """A rate that the user, the governor, or both hold down."""

    def __init__(self, max_fps: float | None) -> None:
        self._shortest_s = 1 / max_fps if max_fps else 0.0
        self._period_s = self._shortest_s
        self._began: float | None = None
        self.factor = 1.0
        """What the governor leaves of the rate that the loop had without it, 0..1."""

    def wait(self, stop: threading.Event) -> None:
        """Sleep until the next frame is due, or `stop` is set; a frame taken after it is then the newest."""
        if self._began is None:
            self._began = time.monotonic()
            return
        wanted = self._shortest_s if self.factor == 1 else self._period_s / self.factor
        delay = self._began + wanted - time.monotonic()
        if delay > 0:
            stop.wait(delay)
        now = time.monotonic()
        if self.factor == 1:
            self._period_s += WEIGHT * (now - self._began - self._period_s)
        # A rate is kept on average: what the sleep overran is taken from the next wait.
        self._began = max(self._began + wanted, now - wanted) if wanted else now
