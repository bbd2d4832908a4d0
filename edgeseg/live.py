"""The loop: a frame in, a mask out, to every sink."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeseg.errors import SourceError
from edgeseg.labels import Labels
from edgeseg.segmenter import Segmenter
from edgeseg.sinks import Sink, open_sink
from edgeseg.sources import Source

REPORT_EVERY = 0.5
"""Seconds between two calls of `on_progress`."""


@dataclass(frozen=True)
class LiveStats:
    """What a loop did."""

    frames: int
    seconds: float
    invoke_ms: float
    """Median duration of the network alone."""
    overhead_ms: float
    """Median duration of all else that a frame costs the loop; waiting for a frame is not in it."""
    dropped: int
    areas: dict[str, float]
    """Mean share of the picture by class name, 0..1; classes never seen are absent."""

    @property
    def fps(self) -> float:
        """Frames a second since the loop began."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg live --json` prints."""
        return {
            "frames": self.frames,
            "fps": round(self.fps, 2),
            "seconds": round(self.seconds, 3),
            "invoke_ms": round(self.invoke_ms, 3),
            "overhead_ms": round(self.overhead_ms, 3),
            "dropped": self.dropped,
            "class_areas": {name: round(area, 5) for name, area in self.areas.items()},
        }


class _Tally:
    """Counts as the loop goes; memory does not grow with the number of frames."""

    KEEP = 1000

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._areas = np.zeros(256)
        self._invoke: list[float] = []
        self._overhead: list[float] = []
        self.frames = 0
        self.started = time.monotonic()

    def add(self, label_map: Any, invoke_ms: float, frame_ms: float) -> None:
        self.frames += 1
        self._areas += np.bincount(label_map.ravel(), minlength=256) / label_map.size
        for kept, value in ((self._invoke, invoke_ms), (self._overhead, frame_ms - invoke_ms)):
            kept.append(value)
            del kept[: -self.KEEP]

    def stats(self, dropped: int) -> LiveStats:
        names = {i: self._labels.names[i] if i < len(self._labels.names) else f"class{i}" for i in range(256)}
        areas = {names[i]: float(area / max(1, self.frames)) for i, area in enumerate(self._areas) if area}
        seconds = time.monotonic() - self.started
        invoke, overhead = (statistics.median(kept) if kept else 0.0 for kept in (self._invoke, self._overhead))
        return LiveStats(self.frames, seconds, invoke, overhead, dropped, areas)


def run(
    segmenter: Segmenter,
    source: Source,
    out: Sequence[str],
    max_frames: int | None = None,
    on_progress: Callable[[LiveStats], None] | None = None,
) -> LiveStats:
    """Segment `source` until it ends, `max_frames` are done, or Ctrl-C; closes source and sinks.

    Raises SourceError where the source breaks off and OutputError where a sink fails; the
    sinks then keep what they have under another name.
    """
    sinks: list[Sink] = []
    complete = False
    try:
        for uri in out:
            sinks.append(open_sink(uri, segmenter.labels, source.fps, source.live))
        tally = _Tally(segmenter.labels)
        with suppress(KeyboardInterrupt):  # the way to end a live loop: what is done is complete
            _loop(segmenter, source, sinks, tally, max_frames, on_progress)
        if not tally.frames:
            raise SourceError("the source ended before its first frame; nothing was segmented")
        complete = True
        return tally.stats(source.dropped)
    finally:
        with ExitStack() as closing:  # one that fails to close does not keep the others open
            for sink in sinks:
                closing.callback(sink.close, complete)
            closing.callback(source.close)


def _loop(
    segmenter: Segmenter,
    source: Source,
    sinks: list[Sink],
    tally: _Tally,
    max_frames: int | None,
    on_progress: Callable[[LiveStats], None] | None,
) -> None:
    reported = time.monotonic()
    for frame in source.frames():
        began = time.perf_counter()
        label_map = segmenter.label_map(frame.image)
        for sink in sinks:
            sink.write(frame, label_map)
        tally.add(label_map, segmenter.invoke_ms, (time.perf_counter() - began) * 1000)
        if on_progress and time.monotonic() - reported >= REPORT_EVERY:
            reported = time.monotonic()
            on_progress(tally.stats(source.dropped))
        if max_frames is not None and tally.frames >= max_frames:
            return
