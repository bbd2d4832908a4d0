"""Segments of a recording in a ring: the oldest make room for the newest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from edgeseg.errors import OutputError
from edgeseg.sinks.append import Appended
from edgeseg.sinks.space import MB, RESERVE, free_bytes
from edgeseg.sources import recording

SEGMENT = 16 * MB
SEGMENTS = 16
"""A ring has at least so many, so that making room costs little of what it holds."""
LEAVE_S = 1.0
"""How long `close` waits for the flush of the last segment but one."""


class Ring:
    """The segments of a folder, of which the newest grows. What was there before is the oldest part."""

    def __init__(self, folder: Path, largest: int, head: bytes, say: Callable[[str], None]) -> None:
        """At most `largest` bytes, each segment with `head` as its first record. Raises OutputError."""
        self._folder, self._name, self._head = folder, f"record:{folder}", head
        self._segment: Appended | None = None
        self._settling: threading.Thread | None = None
        self._failure: OutputError | None = None
        try:
            self._next = self._take_up(say)
            self._older = deque((path, path.stat().st_size) for path in recording.segments(folder))
        except OSError as error:
            raise OutputError(f"{self._name}: cannot be read ({error.strerror}); choose another place") from error
        self._largest = self._affordable(largest, say)
        self._drop_oldest()

    def append(self, record: bytes) -> None:
        """Raises OutputError where the disk does not take it, or did not take what came before it."""
        self._raise()
        longest = min(SEGMENT, self._largest // SEGMENTS)
        if self._segment is None or self._segment.size + len(record) > longest:
            self._segment = self._begin(self._segment)
        self._segment.write(record)
        self._next += 1
        self._drop_oldest()

    def close(self) -> None:
        """Flush what there is; raises OutputError where the disk fails, or failed since the last frame."""
        segment, self._segment = self._segment, None
        if self._settling is not None:
            self._settling.join(LEAVE_S)
        if segment is not None:
            segment.close(durable=True)
        self._raise()

    def _raise(self) -> None:
        """Raise, once, what the flush of a segment has found."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _take_up(self, say: Callable[[str], None]) -> int:
        """Number of the next frame; what a power cut has left of the last record goes."""
        segments = recording.segments(self._folder)
        if not segments:
            return 0
        last = segments[-1]
        frames, torn = recording.measure(last)
        if not frames:
            last.unlink()
        elif torn:
            with last.open("rb+") as file:
                file.truncate(last.stat().st_size - torn)
        if torn:
            say(f"{self._name}: was broken off; its last {torn} bytes, no whole frame, are removed")
        return int(last.stem) + frames

    def _affordable(self, largest: int, say: Callable[[str], None]) -> int:
        """`largest`, or what the disk has room for: the ring gives way to what else is on it."""
        room = free_bytes(self._folder, self._name) + sum(size for _, size in self._older) - 4 * RESERVE
        if room >= largest or room < MB:
            return largest
        say(f"{self._name}: keeps {room // MB} MB instead of {largest // MB}; the disk has no room for more")
        return room

    def _begin(self, finished: Appended | None) -> Appended:
        begun = Appended(recording.segment_path(self._folder, self._next), self._name, new=True)
        begun.write(self._head)
        if finished is not None:
            self._older.append((finished.path, finished.size))
            if self._settling is not None:
                self._settling.join()
            # A flush may take seconds on an SD card, and the loop must not wait for it.
            self._settling = threading.Thread(target=self._settle, args=(finished,), name="record", daemon=True)
            self._settling.start()
        return begun

    def _settle(self, finished: Appended) -> None:
        try:
            finished.close(durable=True)
        except OutputError as error:
            self._failure = error

    def _drop_oldest(self) -> None:
        total = sum(size for _, size in self._older) + (self._segment.size if self._segment else 0)
        while self._older and total > self._largest:
            path, size = self._older.popleft()
            path.unlink(missing_ok=True)
            total -= size
