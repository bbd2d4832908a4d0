"""The thread that all live sources share: it keeps the newest frame, and never gives up."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from edgeseg.errors import DataError, SourceError
from edgeseg.sources import capture
from edgeseg.sources.capture import Capture, Grabber
from edgeseg.sources.frame import Frame

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Steps:
    """A grabber whose frames come 100 a second, until `breaks` of them came; then what `last` says."""

    fps = 100.0

    def __init__(self, breaks: int = 10**9, last: Callable[[], Frame | None] = lambda: None) -> None:
        self.notes: list[str] = []
        self.closed_by: list[str] = []
        self._left, self._last = breaks, last

    def read(self) -> Frame | None:
        if not self._left:
            return self._last()
        time.sleep(1 / self.fps)
        self._left -= 1
        return Frame(PICTURE, "", time.monotonic())

    def close(self) -> None:
        self.closed_by.append(threading.current_thread().name)


def gone() -> Frame | None:
    raise SourceError("x: has gone; plug it in")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can wait for."""
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(capture, "LONGEST_WAIT", 0.4)


def test_a_slow_taker_gets_the_newest_frame_and_the_rest_are_counted() -> None:
    source = Capture("x", lambda: Steps(50))
    ages, names = [], []
    for frame in source.frames():
        assert frame is not None
        ages.append(time.monotonic() - frame.captured)
        names.append(int(frame.name))
        time.sleep(0.1)
    source.close()
    assert sorted(ages)[2] < 0.09  # not frames that waited through the taker's 0.1 s
    assert names == sorted(set(names))
    assert names[-1] == 49
    assert source.dropped == 50 - len(names) > 20


def test_what_cannot_be_opened_at_first_is_an_error() -> None:
    def refuse() -> Grabber:
        raise SourceError("x: there is no such camera; this machine has none")

    with pytest.raises(SourceError, match="this machine has none"):
        Capture("x", refuse)


@pytest.mark.usefixtures("impatient")
def test_a_loss_is_reported_and_the_source_goes_on_when_it_is_back(states: Callable, take: Callable) -> None:
    opened = [Steps(3, gone), None, None, Steps()]
    used: list[Steps] = []

    def grabber() -> Grabber:
        step = opened.pop(0)
        if step is None:
            raise SourceError("x: is away; plug it in")
        used.append(step)
        return step

    source = Capture("x", grabber)
    assert states(source, "lost")[-1].startswith("lost, trying again now: ")
    states(source, "")
    assert source.state == ""
    assert int(take(source, 1)[0].name) >= 3  # the count goes on
    source.close()
    assert [step.closed_by for step in used] == [["capture"], ["capture"]]


@pytest.mark.usefixtures("impatient")
def test_waits_between_attempts_double_up_to_a_limit_and_start_again_after_a_frame() -> None:
    attempts: list[float] = []
    outcome = [Steps(1, gone), *[None] * 6, Steps(1, gone), None, None]
    ended = threading.Event()

    def grabber() -> Grabber:
        attempts.append(time.monotonic())
        step = outcome.pop(0)
        if not outcome:
            ended.set()
        if step is None:
            raise SourceError("x: is away; plug it in")
        return step

    source = Capture("x", grabber)
    assert ended.wait(10)
    source.close()
    waits = [after - before for before, after in pairwise(attempts)]
    for wait, least in zip(waits, (0.05, 0.1, 0.2, 0.4, 0.4, 0.4, 0.4, 0.05, 0.1), strict=True):
        assert least <= wait < 1.8 * least + 0.05


@pytest.mark.usefixtures("impatient")
def test_the_reason_of_a_loss_is_given_without_name_and_advice(states: Callable) -> None:
    calls = iter([Steps(1, gone)])

    def grabber() -> Grabber:
        for step in calls:
            return step
        raise SourceError("x: is away; plug it in")

    source = Capture("x", grabber)
    said = states(source, "is away")[-1]
    source.close()
    assert said.endswith("is away")
    assert "x:" not in said


def test_silence_gives_none_twice_a_second_and_is_told() -> None:
    wake = threading.Event()

    def hang() -> Frame | None:
        wake.wait(20)
        return None

    source = Capture("x", lambda: Steps(1, hang))
    frames = source.frames()
    assert next(frames) is not None
    ticks = []
    while not source.state:
        before = time.monotonic()
        assert next(frames) is None
        ticks.append(time.monotonic() - before)
        assert len(ticks) < 6
    assert max(ticks) < 0.6
    assert source.state == "silent for 1 s"
    wake.set()
    source.close()


def test_closing_does_not_wait_for_a_driver_that_hangs_and_frees_nothing_under_it() -> None:
    wake = threading.Event()

    def hang() -> Frame | None:
        wake.wait(20)
        return None

    grabber = Steps(1, hang)
    source = Capture("x", lambda: grabber)
    assert next(source.frames()) is not None
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 2
    assert list(source.frames()) == []
    assert grabber.closed_by == []
    wake.set()
    deadline = time.monotonic() + 5
    while not grabber.closed_by and time.monotonic() < deadline:
        time.sleep(0.01)
    assert grabber.closed_by == ["capture"]


def test_a_grabber_that_comes_to_its_end_ends_the_source() -> None:
    source = Capture("x", lambda: Steps(3))
    assert 1 <= len([frame for frame in source.frames() if frame is not None]) <= 3
    assert source.state == ""
    source.close()


def test_an_eager_capture_decodes_and_leaves_a_broken_jpeg_to_the_loop(jpegs: list[bytes], take: Callable) -> None:
    sent = [jpegs[0][:100], jpegs[1]]

    class Jpegs(Steps):
        def read(self) -> Frame | None:
            time.sleep(0.05)
            return Frame(None, "", time.monotonic(), sent.pop(0)) if sent else Frame(PICTURE, "", time.monotonic())

    source = Capture("x", Jpegs)
    source.eager = True
    broken, whole, _ = take(source, 3)
    source.close()
    with pytest.raises(DataError, match="no whole JPEG"):
        _ = broken.image
    assert whole._image is not None  # decoded before anybody looked
