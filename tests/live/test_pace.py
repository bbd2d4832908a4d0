import threading
import time

from edgeseg.live.pace import Pace


def rate(pace: Pace, frames: int, work_s: float = 0.0) -> float:
    began = time.monotonic()
    for _ in range(frames):
        pace.wait(threading.Event())
        time.sleep(work_s)
    return frames / (time.monotonic() - began)


def test_no_more_frames_a_second_than_asked_for() -> None:
    assert rate(Pace(50), 25) < 55  # a loaded machine may be slower, never faster


def test_a_slow_loop_is_not_held_back_more() -> None:
    pace = Pace(1000)
    pace.wait(threading.Event())
    time.sleep(0.05)
    began = time.monotonic()
    pace.wait(threading.Event())
    assert time.monotonic() - began < 0.04


def test_the_governors_factor_lowers_the_rate_that_there_was() -> None:
    pace = Pace(None)
    before = rate(pace, 60, work_s=0.005)
    pace.factor = 0.5
    assert rate(pace, 20, work_s=0.005) < 0.75 * before
    pace.factor = 1.0
    assert rate(pace, 20, work_s=0.005) > 0.75 * before


def test_a_long_wait_ends_when_the_loop_does() -> None:
    pace, stop = Pace(0.01), threading.Event()
    pace.wait(stop)
    stop.set()
    began = time.monotonic()
    pace.wait(stop)
    assert time.monotonic() - began < 20
