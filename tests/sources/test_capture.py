"""The thread that all live sources share: it keeps the newest frame, and never gives up."""

import re
import threading
import time
from collections.abc import Callable

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


class OnDemand(Steps):
    """A grabber that gives a frame for each that was allowed."""

    def __init__(self) -> None:
        super().__init__()
        self._allowed = threading.Semaphore(0)
        self._given = self._asked = 0
        self.over = False

    def read(self) -> Frame | None:
        self._asked += 1
        self._allowed.acquire(timeout=20)
        return None if self.over else Frame(PICTURE, "", time.monotonic())

    def give(self, frames: int) -> None:
        """Returns once the source has them all and asks for the next."""
        self._given += frames
        self._allowed.release(frames)
        while self._asked <= self._given:
            time.sleep(0.001)


def gone() -> Frame | None:
    raise SourceError("x: has gone; plug it in")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can wait for."""
    monkeypatch.setattr(capture, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(capture, "LONGEST_WAIT", 0.4)


def test_a_slow_taker_gets_the_newest_frame_and_the_rest_are_counted() -> None:
    camera = OnDemand()
    source = Capture("x", lambda: camera)
    frames, taken = source.frames(), []
    for burst in (1, 5, 20):
        camera.give(burst)
        frame = next(frames)
        assert frame is not None
        taken.append(frame.name)
    camera.over = True
    camera._allowed.release()
    assert [frame for frame in frames if frame is not None] == []
    assert taken == ["000000", "000005", "000025"]
    assert source.dropped == 4 + 19


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


def test_waits_between_attempts_double_up_to_a_limit_and_start_again_after_a_frame() -> None:
    waits: list[float] = []
    outcome = [Steps(1, gone), *[None] * 6, Steps(1, gone), None, None]

    class InNoTime(Capture):
        def _pause(self, seconds: float) -> bool:
            waits.append(seconds)
            return not outcome

    def grabber() -> Grabber:
        step = outcome.pop(0)
        if step is None:
            raise SourceError("x: is away; plug it in")
        return step

    source = InNoTime("x", grabber)
    assert len([frame for frame in source.frames() if frame is not None]) in (1, 2)
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 0.5, 1, 2]


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
    assert next(frames) is None
    while not source.state:
        assert next(frames) is None
    assert re.fullmatch(r"silent for \d+ s", source.state)
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
    source.close()
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


@pytest.mark.parametrize("breaks", [0, 3])
def test_a_mistake_of_ours_ends_the_source_and_is_raised_as_it_is(breaks: int) -> None:
    mistake = ValueError("not a picture")

    def err() -> Frame | None:
        raise mistake

    grabber = Steps(breaks, err)
    source = Capture("x", lambda: grabber)
    with pytest.raises(ValueError, match="not a picture") as raised:
        list(source.frames())
    assert raised.value is mistake
    assert grabber.closed_by == ["capture"]
    source.close()


@pytest.mark.usefixtures("impatient")
def test_a_device_that_complains_when_it_is_freed_is_opened_again(take: Callable) -> None:
    class Unplugged(Steps):
        def close(self) -> None:
            raise RuntimeError("no such device")

    opened = [Unplugged(1, gone), Steps()]
    source = Capture("x", lambda: opened.pop(0))
    assert int(take(source, 3)[-1].name) >= 2
    source.close()


def test_a_capture_prepares_frames_and_leaves_a_broken_jpeg_to_the_loop(jpegs: list[bytes], take: Callable) -> None:
    sent = [jpegs[0][:100], jpegs[1]]

    class Jpegs(Steps):
        def read(self) -> Frame | None:
            time.sleep(0.05)
            return Frame(None, "", time.monotonic(), sent.pop(0)) if sent else Frame(PICTURE, "", time.monotonic())

    source = Capture("x", Jpegs)
    source.prepare = lambda frame: setattr(frame, "prepared", frame.image[::2, ::2])
    broken, whole, _ = take(source, 3)
    source.close()
    with pytest.raises(DataError, match="no whole JPEG"):
        _ = broken.image
    assert broken.prepared is None
    assert np.array_equal(whole.prepared, whole.image[::2, ::2])
