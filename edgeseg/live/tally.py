"""Counting as the loop goes; memory does not grow with the number of frames."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeseg.labels import Labels
from edgeseg.sinks.sink import Segmented
from edgeseg.sources import Source
from edgeseg.stats import LiveStats, median

if TYPE_CHECKING:
    from edgeseg.live.governor import Ruling
    from edgeseg.live.outlet import Outlet
    from edgeseg.live.smooth import Smoother
    from edgeseg.segmenter import Segmenter

KEEP = 1000
"""Frames whose durations are kept."""
RECENT_S = 3.0
LOOK_S = 0.1
"""The areas of a live source are counted no more often: that costs as much as the rest of the loop."""


@dataclass
class Tally:
    """All that is known of a loop; one thread adds, any thread asks."""

    labels: Labels
    source: Source
    outlet: Outlet | None = None
    smoother: Smoother | None = None
    ruling: Ruling | None = None
    threads: int = 1
    frames: int = 0
    bad: int = 0
    trouble: str = ""
    """What is wrong with the frames, where they come."""

    def __post_init__(self) -> None:
        self._started = time.monotonic()
        self._areas, self._looks, self._looked_at = np.zeros(256), 0, 0.0
        self._newest: Segmented | None = None
        self._lock = threading.Lock()
        self._invoke, self._overhead, self._age = (deque[float](maxlen=KEEP) for _ in range(3))
        self._moments: deque[float] = deque(maxlen=KEEP)
        self._model: tuple[str, float | None, str | None] = ("", None, None)
        self._held_s = 0.0

    def describe(self, segmenter: Segmenter) -> None:
        """Tell which model is at work."""
        known = segmenter.info.provenance if segmenter.info else {}
        self._model = segmenter.path.name, known.get("miou"), known.get("scheme")

    def add(self, segmented: Segmented, frame_ms: float, held_s: float) -> None:
        """Count one mask, whose frame kept the loop's own thread busy for `frame_ms`; see `Pace.held_s`."""
        now = time.monotonic()
        with self._lock:
            self.frames += 1
            self._held_s = held_s
            if not self.source.live or now - self._looked_at >= LOOK_S:
                self._looked_at, self._looks = now, self._looks + 1
                self._areas += segmented.areas
            self._newest = segmented
            self._invoke.append(segmented.invoke_ms)
            self._overhead.append(frame_ms - segmented.invoke_ms)
            self._age.append(segmented.age_ms)
            self._moments.append(now)

    def stats(self) -> LiveStats:
        """Figures as of now."""
        now = time.monotonic()
        with self._lock:
            invoke, overhead, age = (list(kept) for kept in (self._invoke, self._overhead, self._age))
            recent = [moment for moment in self._moments if now - moment <= RECENT_S]
            areas, newest = self._areas / max(1, self._looks), self._newest
        seconds = now - self._started
        full = len(recent) == KEEP  # then they reach back less than RECENT_S
        span_s = now - recent[0] if full else min(RECENT_S, seconds)
        model, miou, scheme = self._model
        flickers = (self.smoother.raw, self.smoother.smoothed) if self.smoother else (None, None)
        return LiveStats(
            frames=self.frames,
            seconds=seconds,
            invoke_ms=median(invoke),
            overhead_ms=median(overhead),
            dropped=self.source.dropped,
            areas=self._named(areas),
            model=model,
            miou=miou,
            scheme=scheme,
            period_s=self._held_s,
            recent_fps=len(recent) / span_s if span_s else 0.0,
            age_ms=median(age),
            bad=self.bad,
            areas_now=self._named(newest.areas) if newest else {},
            threads=self.threads,
            source=self.source.state or self.trouble,
            outputs=self.outlet.states if self.outlet else {},
            flicker=flickers[0],
            flicker_smoothed=flickers[1],
            margin=newest.margin if newest else None,
            temperature_c=self.ruling.temperature_c if self.ruling else None,
            governor=self.ruling.text if self.ruling else "",
        )

    def _named(self, areas: np.ndarray) -> dict[str, float]:
        return {self.labels.name(int(i)): float(areas[i]) for i in np.flatnonzero(areas)}
