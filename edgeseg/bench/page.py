"""What a page that somebody watches takes from the loop."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from edgeseg.bench.memory import MemorySource
from edgeseg.bench.result import Result, Setting, alternate
from edgeseg.bench.sinks import ClockSink
from edgeseg.bench.viewer import Viewer
from edgeseg.live.config import LoopConfig
from edgeseg.live.run import run

PAGE = "http://127.0.0.1:0"
GOAL = 0.10
ENDLESS = 10**9
"""Frames; the clock ends the loop."""


def page(setting: Setting) -> Iterator[Result]:
    """The loop's rate with the page and one viewer, a process of its own, against no page; JPEGs from memory."""
    model = setting.open()

    def rate(watched: bool) -> float:
        with ExitStack() as leaving:
            viewer = leaving.enter_context(Viewer()) if watched else None
            clock = ClockSink(2 * setting.block_s, begin=viewer.watching if viewer else None)
            source, config = MemorySource(setting.jpegs, ENDLESS), LoopConfig(threads=1)
            run(model, source, [PAGE] if watched else [], config, say=viewer, extra=[clock])
        return clock.fps

    alone, watched = alternate(setting.rounds, lambda: rate(False), lambda: rate(True))
    loss = 1 - statistics.median(with_page / without for with_page, without in zip(watched, alone, strict=True))
    detail = f"{statistics.median(watched):.1f} against {statistics.median(alone):.1f} fps"
    yield Result("page", "what the page with a viewer takes of the loop's rate", loss, GOAL, False, "", detail)
