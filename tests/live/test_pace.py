import threading

import pytest

from edgeseg.live.pace import ENOUGH, Pace


class Time:
    """A clock that goes on only where somebody waits or works, and the event that is waited for."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def rate(pace: Pace, time: Time, frames: int, work_s: float) -> float:
    """Frames a second of a loop that works for so long on each."""
    began = time.now
    for _ in range(frames):
        pace.wait(time)  # type: ignore[arg-type]
        pace.took()
        time.now += work_s
    return frames / (time.now - began)


def test_no_more_frames_a_second_than_asked_for() -> None:
    time = Time()
    assert rate(Pace(50, time), time, 200, 0.001) == pytest.approx(50, rel=0.02)


def test_a_slow_loop_is_not_held_back_more() -> None:
    time = Time()
    assert rate(Pace(50, time), time, 50, 0.1) == pytest.approx(10)


def test_a_loop_that_was_slow_does_not_catch_up_in_a_rush() -> None:
    time = Time()
    pace = Pace(10, time)
    rate(pace, time, 5, 0.01)
    time.now += 60
    assert rate(pace, time, 10, 0.01) < 13


def test_the_governors_factor_lowers_the_rate_that_there_was() -> None:
    time = Time()
    pace = Pace(None, time)
    assert rate(pace, time, 50, 0.05) == pytest.approx(20)
    pace.factor = 0.5
    assert rate(pace, time, 50, 0.05) == pytest.approx(10, rel=0.05)
    assert pace.held_s == pytest.approx(0.1)
    pace.factor = 1.0
    assert rate(pace, time, 50, 0.05) == pytest.approx(20, rel=0.05)


def test_a_board_that_is_hot_at_the_start_is_slowed_once_its_rate_is_known() -> None:
    time = Time()
    pace = Pace(None, time)
    pace.factor = 0.25
    rate(pace, time, ENOUGH + 2, 0.05)
    assert rate(pace, time, 50, 0.05) == pytest.approx(5, rel=0.05)


def test_the_time_without_a_camera_is_no_period_of_the_loops() -> None:
    time = Time()
    pace = Pace(None, time)
    for _ in range(10):
        rate(pace, time, 5, 0.05)
        pace.missed()
        time.now += 30
    pace.factor = 0.5
    assert pace.held_s == pytest.approx(0.1)


def test_a_long_wait_ends_when_the_loop_does() -> None:
    pace, stop = Pace(0.001), threading.Event()
    pace.wait(stop)
    stop.set()
    pace.wait(stop)  # else for a quarter of an hour
