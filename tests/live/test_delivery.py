import threading
import time

import numpy as np
import pytest

from edgeseg.labels import Labels
from edgeseg.live.delivery import Delivery, ThreadChoice
from edgeseg.live.outlet import Outlet
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sources.frame import Frame

INFO = LoopInfo(Labels.numbered(2), 10.0, live=True)


def segmented(index: int) -> Segmented:
    return Segmented(Frame(np.zeros((4, 4, 3), np.uint8), str(index), 0.0), np.zeros((2, 2), np.uint8), index, 1.0, 1.0)


class Noting:
    """A sink that notes what it got, and in which thread."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.got, self.threads, self._pause_s = list[int](), set[str](), pause_s

    def write(self, segmented: Segmented) -> None:
        time.sleep(self._pause_s)
        self.got.append(segmented.index)
        self.threads.add(threading.current_thread().name)

    def close(self, complete: bool) -> None:
        pass


@pytest.mark.parametrize("threads", [1, 2])
def test_every_mask_arrives_in_order_even_at_a_slow_sink(threads: int) -> None:
    sink = Noting(pause_s=0.002)
    delivery = Delivery(Outlet([], INFO, [("it", sink)]))
    delivery.threads = threads
    for index in range(20):
        delivery.put(segmented(index))
    delivery.finish()
    assert sink.got == list(range(20))
    assert sink.threads == ({threading.current_thread().name} if threads == 1 else {"outputs"})


def test_changing_the_number_of_threads_keeps_the_order() -> None:
    sink = Noting(pause_s=0.001)
    delivery = Delivery(Outlet([], INFO, [("it", sink)]))
    for index in range(30):
        delivery.threads = 1 + index // 5 % 2
        delivery.put(segmented(index))
    delivery.finish()
    assert sink.got == list(range(30))


def test_what_a_sink_raised_is_not_lost_when_the_loop_goes_on_with_one_thread() -> None:
    class EndingOnce(Noting):
        def write(self, segmented: Segmented) -> None:
            super().write(segmented)
            if segmented.index == 0:
                raise EndLoop

    sink = EndingOnce()
    delivery = Delivery(Outlet([], INFO, [("it", sink)]))
    delivery.threads = 2
    delivery.put(segmented(0))
    delivery.threads = 1
    with pytest.raises(EndLoop):
        delivery.put(segmented(1))
    assert sink.got == [0]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_sink_raises_reaches_the_loop(threads: int) -> None:
    class Closing(Noting):
        def write(self, segmented: Segmented) -> None:
            raise EndLoop

    delivery = Delivery(Outlet([], INFO, [("it", Closing())]))
    delivery.threads = threads

    def go_on() -> None:
        for index in range(10):
            delivery.put(segmented(index))
        delivery.finish()

    with pytest.raises(EndLoop):
        go_on()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_sink_that_is_stuck_does_not_keep_the_loop_from_ending(frames: int) -> None:
    stuck = threading.Event()

    class Stuck(Noting):
        def write(self, segmented: Segmented) -> None:
            stuck.wait(60)
            super().write(segmented)

    sink = Stuck()
    delivery = Delivery(Outlet([], INFO, [("it", sink)]))
    delivery.threads = 2

    def feed() -> None:
        for index in range(frames):
            delivery.put(segmented(index))

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    feeding.join(0.2)
    delivery.finish(0.1)
    feeding.join(60)
    assert not feeding.is_alive()
    assert sink.got == []
    stuck.set()


@pytest.mark.parametrize(("one_ms", "two_ms", "chosen"), [(10.0, 6.0, 2), (10.0, 9.9, 1), (10.0, 14.0, 1)])
def test_two_threads_are_chosen_where_they_are_faster(one_ms: float, two_ms: float, chosen: int) -> None:
    choice = ThreadChoice(None, outputs=1, cores=4)
    seen = set()
    while not choice.settled:
        seen.add(choice.threads)
        choice.add(one_ms if choice.threads == 1 else two_ms)
    assert seen == {1, 2}
    assert choice.threads == chosen


def test_a_forced_number_of_threads_is_not_measured() -> None:
    assert ThreadChoice(2, outputs=1).settled
    assert ThreadChoice(2, outputs=1).threads == 2


def test_without_outputs_there_is_nothing_for_a_second_thread() -> None:
    assert ThreadChoice(None, outputs=0).settled
    assert ThreadChoice(None, outputs=0).threads == 1
