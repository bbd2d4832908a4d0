"""Taking no more frames a second than were asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WEIGHT = 0.1
"""Of the newest frame in the running mean of the loop's period."""
ENOUGH = 20
"""Periods to measure before a share of the rate means anything."""


class Pace:
    """A rate that the user, the governor, or both hold down. One thread waits; any thread may set `factor`."""

    def __init__(self, max_fps: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._shortest_s = 1 / max_fps if max_fps else 0.0
        self._clock = clock
        self._began: float | None = None
        self._taken_at: float | None = None
        self._period_s, self._measured = 0.0, 0
        self.factor = 1.0
        """What the governor leaves of the rate that the loop had without it, 0..1."""

    @property
    def held_s(self) -> float:
        """From frame to frame, to which the loop is held; 0 where it may go as fast as it can."""
        if self.factor == 1 or self._measured < ENOUGH:
            return self._shortest_s
        return max(self._shortest_s, self._period_s / self.factor)

    def wait(self, stop: threading.Event) -> None:
        """Sleep until the next frame is due, or `stop` is set; a frame taken after it is then the newest."""
        held_s, began = self.held_s, self._began
        if began is None or not held_s:
            self._began = self._clock()
            return
        delay = began + held_s - self._clock()
        if delay > 0:
            stop.wait(delay)
        # A rate is kept on average: what a sleep overran is taken from the next one.
        self._began = max(began + held_s, self._clock() - held_s)

    def took(self) -> None:
        """A frame was taken: learn the loop's own period while nobody holds it."""
        now, before = self._clock(), self._taken_at
        self._taken_at = now
        if before is None or (self.factor != 1 and self._measured >= ENOUGH):
            return
        self._measured += 1
        weight = max(WEIGHT, 1 / self._measured)
        self._period_s += weight * (now - before - self._period_s)

    def missed(self) -> None:
        """No frame came: how long that takes is no period of the loop's."""
        self._taken_at = None
