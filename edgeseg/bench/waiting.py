"""What the loop does with the time that it is kept waiting: by an accelerator, and by a camera."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from edgeseg.bench.result import Result, Setting, alternate, bare, median_ratio
from edgeseg.bench.sinks import ClockSink, OverlaySink
from edgeseg.live.config import LoopConfig
from edgeseg.live.models import open_model
from edgeseg.live.run import run
from edgeseg.sources import open_source

FAST_CAMERA = "fake:?fps=200&cycle=8"
CAMERA_FPS = 30
CAMERA = f"fake:?fps={CAMERA_FPS}&cycle=8"
THROUGHPUT_GOALS = ((10, 0.96), (25, 0.985))
"""By the milliseconds that the stub's inference takes."""
SLOW_STUB_MS = 100
AGE_S = 4.0


def throughput(setting: Setting) -> Iterator[Result]:
    """The loop's rate over that of the inferences alone, where these leave the core idle: two threads, overlay."""
    for invoke_ms, goal in THROUGHPUT_GOALS:
        value, detail = _throughput(setting, f"stub:?invoke_ms={invoke_ms}")
        what = f"throughput against the limit, inference of {invoke_ms} ms on an idle core"
        yield Result("throughput", what, value, goal, True, "", detail)


def age(setting: Setting) -> Iterator[Result]:
    """What a mask is older than its inference took, at a camera of 30 frames a second."""
    for uri in (setting.model, f"stub:?invoke_ms={SLOW_STUB_MS}"):
        model = open_model(uri, setting.threads)
        clock = ClockSink(AGE_S)
        stats = run(model, open_source(CAMERA), extra=[OverlaySink(model.labels), clock])
        what = f"frame age beyond the inference of {stats.invoke_ms:.0f} ms, camera of {CAMERA_FPS} fps"
        detail = f"median {stats.age_ms:.1f} ms, {clock.fps:.1f} fps, {stats.dropped} dropped"
        yield Result("age", what, stats.age_ms - stats.invoke_ms, 1000 / CAMERA_FPS, False, "ms", detail)


def _throughput(setting: Setting, uri: str) -> tuple[float, str]:
    model = open_model(uri)
    invoke = bare(model)

    def limit() -> float:
        count = setting.frames(model)
        began = time.perf_counter()
        for _ in range(count):
            invoke()
        return count / (time.perf_counter() - began)

    def loop() -> float:
        clock = ClockSink(setting.block_s)
        run(model, open_source(FAST_CAMERA), config=LoopConfig(threads=2), extra=[OverlaySink(model.labels), clock])
        return clock.fps

    limits, rates = alternate(setting.rounds, limit, loop)
    detail = f"{statistics.median(rates):.1f} of {statistics.median(limits):.1f} fps"
    return median_ratio(rates, limits), detail
