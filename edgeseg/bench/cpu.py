"""How much of the loop's CPU time is the network's: the rest is what the loop costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

import numpy as np

from edgeseg.bench.memory import MemorySource
from edgeseg.bench.result import Result, Setting, alternate, bare, median_ratio
from edgeseg.bench.sinks import OverlaySink
from edgeseg.images import Image
from edgeseg.live.config import LoopConfig
from edgeseg.live.run import run
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import Sink

MASK_GOAL = 0.85
INVOKE_MS, OVERLAY_GOALS = (2.6, 7.0, 25.0), (0.60, 0.76, 0.95)
"""Milliseconds that an inference takes, and the goal for each; in between, in proportion."""


def mask(setting: Setting) -> Iterator[Result]:
    """Decoded frames from memory to masks that nobody looks at."""
    model = setting.open()
    value, detail = _share(setting, model, setting.images, [])
    yield Result("mask", "invoke's share of the loop's CPU, mask only, from memory", value, MASK_GOAL, True, "", detail)


def overlay(setting: Setting) -> Iterator[Result]:
    """JPEGs from memory to pictures with the mask in them."""
    model = setting.open()
    value, detail = _share(setting, model, setting.jpegs, [OverlaySink(model.labels)])
    what = "invoke's share of the loop's CPU, overlay, from 640x480 MJPEG"
    yield Result("overlay", what, value, overlay_goal(model.invoke_ms), True, "", detail)


def overlay_goal(invoke_ms: float) -> float:
    """What is asked of the loop around a network that takes so long."""
    return float(np.interp(invoke_ms, INVOKE_MS, OVERLAY_GOALS))


def _share(
    setting: Setting, model: Segmenter, pictures: Sequence[Image] | Sequence[bytes], sinks: Sequence[Sink]
) -> tuple[float, str]:
    invoke, count = bare(model), setting.frames(model)

    def raw() -> float:
        began = time.process_time()
        for _ in range(count):
            invoke()
        return (time.process_time() - began) / count

    def loop() -> float:
        source = MemorySource(pictures, count)
        began = time.process_time()
        run(model, source, config=LoopConfig(threads=1), extra=sinks)
        return (time.process_time() - began) / count

    raws, loops = alternate(setting.rounds, raw, loop)
    network, whole = (1000 * statistics.median(values) for values in (raws, loops))
    return median_ratio(raws, loops), f"{network:.2f} of {whole:.2f} ms"
