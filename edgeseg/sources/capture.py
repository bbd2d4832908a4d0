"""What all cameras and streams share: a thread that keeps only the newest frame, and never gives up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import cv2

from edgeseg.errors import DataError, first_line
from edgeseg.sources.frame import Frame

SILENCE = 5.0
"""Seconds without a frame after which a grabber gives up, and its source counts as lost."""
QUIET = 1.0
"""Seconds without a frame that are not worth a word."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds until a lost source is opened again; doubled after each attempt that brings no frame."""
TICK = 0.5
"""Seconds that whoever takes frames is kept waiting at most."""
LEAVE = 0.5
"""Seconds that `close` waits for the thread."""


class Grabber(Protocol):
    """An open device or stream; one thread opens, reads and closes it."""

    fps: float
    """See `edgeseg.sources.Source`."""
    notes: list[str]
    """See `edgeseg.sources.Source`."""

    def read(self) -> Frame | None:
        """Wait for a frame; an empty name stands for its number. None is the end of what has one.

        Raises SourceError that says why no more come, after SILENCE seconds without one at the latest.
        """

    def close(self) -> None:
        """Free what is open."""


class Capture:
    """A live source, see `edgeseg.sources.Source`; a loss does not end it: it opens its grabber again.

    A driver may hang in `read`, and to free a device under it would crash. So the thread alone
    closes its grabber, if need be long after `close` has returned.
    """

    def __init__(self, uri: str, open_grabber: Callable[[], Grabber]) -> None:
        """Raises what `open_grabber` raises: to begin with, there has to be something under `uri`."""
        self._uri, self._open_grabber = uri, open_grabber
        grabber = open_grabber()
        self.fps = grabber.fps
        self.notes = grabber.notes
        self.total: int | None = None
        self.live = True
        self.dropped = 0
        self.prepare: Callable[[Frame], None] | None = None
        self._slot: Frame | None = None
        self._count = 0
        self._newest_at = time.monotonic()
        self._lost: str | None = None
        self._again_at = 0.0
        self._mistake: BaseException | None = None
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, args=(grabber,), name="capture", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """See `edgeseg.sources.Source`."""
        if self._ended.is_set():
            return ""
        now, lost = time.monotonic(), self._lost
        if lost is not None:
            wait = max(0, round(self._again_at - now))
            return f"lost, trying again {f'in {wait} s' if wait else 'now'}: {lost}"
        silent = now - self._newest_at
        return f"silent for {int(silent)} s" if silent > max(QUIET, 3 / self.fps) else ""

    def frames(self) -> Iterator[Frame | None]:
        """The newest frame each time, or None after TICK without one; ends after `close`.

        Raises what the thread died of, if that is no loss but a mistake of ours.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._slot is not None or self._ended.is_set(), TICK)
                frame, self._slot = self._slot, None
            if frame is None and self._ended.is_set():
                break
            yield frame
        if self._mistake is not None:
            raise self._mistake

    def close(self) -> None:
        """Stop the thread, which frees the device."""
        self._end()
        self._thread.join(LEAVE)

    def _end(self) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def _run(self, grabber: Grabber) -> None:
        try:
            self._follow(grabber)
        except BaseException as mistake:  # noqa: BLE001  # raised again by `frames`
            self._mistake = mistake
        finally:
            self._end()

    def _follow(self, grabber: Grabber) -> None:
        """Serve this grabber, and after each loss a new one, until the end."""
        wait = FIRST_WAIT
        reason = self._serve(grabber)
        while reason is not None:
            self._again_at, self._lost = time.monotonic() + wait, reason
            if self._pause(wait):
                break
            wait = min(2 * wait, LONGEST_WAIT)
            before = self._count
            try:
                grabber = self._open_grabber()
            except (OSError, cv2.error) as error:
                reason = self._reason(error)
                continue
            self.fps = grabber.fps
            reason = self._serve(grabber)
            if self._count > before:
                wait = FIRST_WAIT

    def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt; True where there is to be none."""
        return self._ended.wait(seconds)

    def _serve(self, grabber: Grabber) -> str | None:
        """Take frames while they come; gives the reason why no more do, or None at the end."""
        try:
            while not self._ended.is_set():
                frame = grabber.read()
                if frame is None:
                    return None
                self._keep(frame)
        except (OSError, cv2.error) as error:  # SourceError is an OSError
            return self._reason(error)
        finally:
            with suppress(OSError, RuntimeError, cv2.error):  # what was unplugged may complain once more
                grabber.close()
        return None

    def _keep(self, frame: Frame) -> None:
        frame.name = frame.name or f"{self._count:06d}"
        self._count += 1
        self._newest_at, self._lost = time.monotonic(), None
        if self.prepare is not None:
            with suppress(DataError):  # the loop finds it, and counts it
                self.prepare(frame)
        with self._changed:
            self.dropped += self._slot is not None
            self._slot = frame
            self._changed.notify()

    def _reason(self, error: Exception) -> str:
        """What is wrong, without the source's name before it and what to do about it behind."""
        return first_line(error).removeprefix(f"{self._uri}: ").partition(";")[0]
