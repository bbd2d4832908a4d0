import threading
import time
from contextlib import suppress

import numpy as np
import pytest

from edgeseg.bench.sinks import ClockSink, OverlaySink
from edgeseg.labels import Labels
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.sources.frame import Frame


def segmented(class_id: int = 1) -> Segmented:
    frame = Frame(np.zeros((8, 8, 3), np.uint8), "0", 0.0)
    return Segmented(frame, np.full((4, 4), class_id, np.uint8), 0, 1.0, 2.0)


def fill(clock: ClockSink) -> None:
    """A frame every 10 ms until the clock has had enough."""
    with suppress(EndLoop):
        while True:
            clock.write(segmented())
            time.sleep(0.01)


def test_the_clock_counts_from_the_beginning_that_it_is_told() -> None:
    begin = threading.Event()
    clock = ClockSink(0.2, settle=2, begin=begin)
    for _ in range(50):
        clock.write(segmented())
    assert clock.fps == 0
    begin.set()
    fill(clock)
    assert 10 < clock.fps <= 100


def test_the_clock_ends_the_loop_once() -> None:
    clock = ClockSink(0.0, settle=1)
    clock.write(segmented())
    with pytest.raises(EndLoop):
        clock.write(segmented())
    fps = clock.fps
    clock.write(segmented())
    assert clock.fps == fps


def test_the_overlay_is_drawn() -> None:
    sink = OverlaySink(Labels.from_names(("floor", "thing")))
    sink.write(segmented())
    assert sink.picture is not None
    assert sink.picture.any()
