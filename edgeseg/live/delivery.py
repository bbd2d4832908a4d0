"""From the loop to its outputs: in line, or through a queue of one to a thread of its own."""

from __future__ import annotations

import queue
import threading

from edgeseg.cores import usable_cores
from edgeseg.live.outlet import Outlet
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.stats import median

LOOK_S = 0.1
"""How long a full queue is waited for before looking whether the loop is to end."""


class Delivery:
    """Hands masks on. With two threads the loop waits while the queue is full: a mask that is made is not dropped."""

    def __init__(self, outlet: Outlet) -> None:
        self.threads = 1
        """1 or 2; may be changed between two frames."""
        self._outlet = outlet
        self._queue: queue.Queue[Segmented | None] = queue.Queue(maxsize=1)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._finished = threading.Event()

    @property
    def outputs(self) -> int:
        """Sinks that are fed."""
        return len(self._outlet)

    def put(self, segmented: Segmented) -> None:
        """Raises what the outlet raised, if need be at the next call; does nothing once it is finished."""
        if self._finished.is_set():
            return
        if self.threads == 1:
            self._join()
            self._raise()
            self._outlet.write(segmented)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="outputs", daemon=True)
            self._thread.start()
        self._hand_over(segmented)
        self._raise()

    def finish(self, timeout_s: float | None = None) -> None:
        """Wait until all is written, or a sink has been stuck for `timeout_s`; raises what the outlet raised."""
        self._join(timeout_s)
        self._finished.set()
        if not isinstance(self._failure, EndLoop):
            self._raise()

    def _hand_over(self, segmented: Segmented) -> None:
        while not self._finished.is_set():
            try:
                self._queue.put(segmented, timeout=LOOK_S)
            except queue.Full:
                continue
            return

    def _join(self, timeout_s: float | None = None) -> None:
        """End the thread: sinks are called by one thread at a time."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:  # a sink is stuck, and its thread is left to itself
            return
        thread.join(timeout_s)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

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

    def __init__(self, forced: int | None, outputs: int, cores: int | None = None) -> None:
        """`cores` defaults to those that this process may use."""
        self.threads = forced or 1
        self.settled = forced is not None or not outputs or (cores or usable_cores()) == 1
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
