"""Sinks that measure, or make work to be measured."""

from __future__ import annotations

import threading
import time

from edgeseg.images import Image
from edgeseg.labels import Labels
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import EndLoop, Segmented


class OverlaySink:
    """Draws the mask into each frame, and shows it to nobody."""

    def __init__(self, labels: Labels) -> None:
        self._overlay = Overlay(labels)
        self.picture: Image | None = None
        """The last one."""

    def write(self, segmented: Segmented) -> None:
        """See `edgeseg.sinks.Sink`."""
        self.picture = self._overlay(segmented.frame.image, segmented.label_map)

    def close(self, complete: bool) -> None:
        """Nothing to finish."""


class ClockSink:
    """Takes the loop's rate over some seconds, once it has settled; then ends the loop."""

    def __init__(self, seconds: float, settle: int = 10, begin: threading.Event | None = None) -> None:
        """The first `settle` frames do not count, nor what comes before `begin` is set."""
        self._seconds, self._settle, self._begin = seconds, settle, begin
        self._frames = 0
        self._began = self._newest = 0.0

    @property
    def fps(self) -> float:
        """Frames a second; 0 where too few came."""
        return self._frames / (self._newest - self._began) if self._frames else 0.0

    def write(self, segmented: Segmented) -> None:
        """See `edgeseg.sinks.Sink`."""
        if self._begin is not None and not self._begin.is_set():
            return
        if self._settle:
            self._settle -= 1
            self._began = time.perf_counter()
            return
        if self._frames and self._newest - self._began > self._seconds:
            return  # the loop has been told
        self._frames, self._newest = self._frames + 1, time.perf_counter()
        if self._newest - self._began > self._seconds:
            raise EndLoop

    def close(self, complete: bool) -> None:
        """Nothing to finish."""
