"""From the loop to its outputs: in line, or through a queue of one to a thread of its own."""

from __future__ import annotations

import os
import queue
import threading

from edgeseg.live.outlet import Outlet
from edgeseg.sinks.sink import Segmented
from edgeseg.stats import median

GIVE_UP_S = 1.0
"""How long the end of a loop waits for a thread whose sink is stuck."""


class Delivery:
    """Hands masks on. With two threads the loop waits while the queue is full: a mask that is made is not dropped."""

    def __init__(self, outlet: Outlet) -> None:
        self.threads = 1
        """1 or 2; may be changed between two frames."""
        self._outlet = outlet
        self._queue: queue.Queue[Segmented | None] = queue.Queue(maxsize=1)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def outputs(self) -> int:
        """Sinks that are fed."""
        return len(self._outlet)

    def put(self, segmented: Segmented) -> None:
        """Raises what the outlet raised, if need be at the next call."""
        if self.threads == 1:
            self._drain()
            self._outlet.write(segmented)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="outputs", daemon=True)
            self._thread.start()
        self._queue.put(segmented)
        self._raise()

    def finish(self) -> None:
        """Wait until all is written; a sink that is stuck is given up after a second."""
        self._drain(GIVE_UP_S)

    def _drain(self, timeout_s: float | None = None) -> None:
        """End the thread: sinks are called by one thread at a time."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._queue.put(None)
            thread.join(timeout_s)
        self._raise()

    def _raise(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _work(self) -> None:
        while (segmented := self._queue.get()) is not None:
            if self._failure is not None:
                continue  # the loop will hear of it; until then nobody may wait at a full queue
            try:
                self._outlet.write(segmented)
            except BaseException as failure:  # noqa: BLE001  # raised again in the loop's thread
                self._failure = failure


class ThreadChoice:
    """Finds out, in the first frames of a loop, whether a second thread makes it faster.

    Blocks of frames with one and with two threads take turns. What counts is how long a
    frame keeps the loop's own thread busy: waiting for the camera is no merit of either.
    """

    PLAN = (1, 2, 1, 2)
    BLOCK = 20
    SETTLE = 4
    """Frames at the start of each block that do not count."""
    GAIN = 0.95
    """Two threads must take at most this share of the time, or the simpler loop wins."""

    def __init__(self, forced: int | None, outputs: int) -> None:
        only_one = not outputs or (os.cpu_count() or 1) == 1
        self.threads = forced or 1
        self.settled = forced is not None or only_one
        self._busy_ms: list[list[float]] = [[]]

    def add(self, busy_ms: float) -> None:
        """Take the time that a frame took; `threads` may be another afterwards."""
        if self.settled:
            return
        self._busy_ms[-1].append(busy_ms)
        if len(self._busy_ms[-1]) < self.BLOCK:
            return
        if len(self._busy_ms) < len(self.PLAN):
            self._busy_ms.append([])
            self.threads = self.PLAN[len(self._busy_ms) - 1]
            return
        one, two = (self._median(threads) for threads in (1, 2))
        self.threads = 2 if two < self.GAIN * one else 1
        self.settled = True

    def _median(self, threads: int) -> float:
        blocks = zip(self.PLAN, self._busy_ms, strict=True)
        return median([busy for plan, block in blocks if plan == threads for busy in block[self.SETTLE :]])
