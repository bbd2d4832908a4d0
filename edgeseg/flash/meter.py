"""How far a write is, in one line."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeseg.flash.units import size_text
from edgeseg.progress import bar


class Meter:
    """Turns what a `Report` is told into text, with the speed and time left of the stage."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._start_s = 0.0
        self._start_bytes = 0

    def text(self, stage: str, done: int, total: int) -> str:
        """Such as '████░░░░ writing 1.2 GB of 2.9 GB, 21.4 MB/s, 80 s left'."""
        now_s = self._clock()
        if stage != self._stage:
            self._stage, self._start_s, self._start_bytes = stage, now_s, done
        if stage == "probing":
            return f"{bar(done, total)} probing whether the card holds what it claims"
        rate = (done - self._start_bytes) / max(now_s - self._start_s, 1e-3)
        speed = f", {size_text(round(rate))}/s" if rate else ""
        if not total:
            return f"{stage} {size_text(done)}{speed}"
        left = f", {_left((total - done) / rate)} left" if rate and done < total else ""
        return f"{bar(done, total)} {stage} {size_text(done)} of {size_text(total)}{speed}{left}"


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
