import threading
from collections.abc import Callable

import numpy as np
import pytest

from edgeseg.errors import OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.live import outlet
from edgeseg.live.outlet import Outlet
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sources.frame import Frame

FRAME = Frame(np.zeros((4, 4, 3), np.uint8), "0", 0.0)
SEGMENTED = Segmented(FRAME, np.zeros((2, 2), np.uint8), 0, 1.0, 1.0)


class Counting:
    """A sink that fails as often as it is told to."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.left, self.error = failures, error or OutputError("there: cannot be written; free some space")
        self.written, self.closed = 0, list[bool]()

    def write(self, segmented: Segmented) -> None:
        if self.left:
            self.left -= 1
            raise self.error
        self.written += 1

    def close(self, complete: bool) -> None:
        self.closed.append(complete)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def info(said: list[str]) -> LoopInfo:
    return LoopInfo(Labels.numbered(2), 10.0, live=True, say=said.append)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "FIRST_WAIT_S", 0.0)


def test_a_sink_that_fails_is_said_once_and_the_others_go_on(info: LoopInfo, said: list[str]) -> None:
    bad, good = Counting(failures=100), Counting()
    out = Outlet([], info, [("bad", bad), ("good", good)])
    for _ in range(10):
        out.write(SEGMENTED)
    assert good.written == 10
    assert len(said) == 1
    assert "cannot be written" in said[0]
    assert {name: bool(state) for name, state in out.states.items()} == {"bad": True, "good": False}
    with pytest.raises(OutputError, match="10 frames are not in it"):
        out.close(complete=True)
    assert good.closed == [True]


@pytest.mark.usefixtures("at_once")
def test_a_sink_that_works_again_is_said_too(info: LoopInfo, said: list[str]) -> None:
    sink = Counting(failures=2)
    out = Outlet([], info, [("it", sink)])
    for _ in range(5):
        out.write(SEGMENTED)
    assert sink.written == 3
    assert said[-1].endswith("works again; 2 frames are not in it")
    assert set(out.states.values()) == {""}


def test_what_cannot_be_opened_at_the_start_leaves_nothing_open(info: LoopInfo, tmp_path) -> None:
    (tmp_path / "file").touch()
    first = Counting()
    with pytest.raises(OutputError, match="another place"):
        Outlet([f"{tmp_path}/file/masks/"], info, [("first", first)])
    assert first.closed == [False]


def test_a_mistyped_output_is_refused_before_any_is_opened(info: LoopInfo, tmp_path) -> None:
    with pytest.raises(UsageError):
        Outlet([f"{tmp_path}/masks/", "nothing:"], info)
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize("error", [EndLoop(), KeyError("a mistake of ours")])
def test_what_is_no_failure_of_an_output_is_not_swallowed(info: LoopInfo, error: Exception) -> None:
    with pytest.raises(type(error)):
        Outlet([], info, [("it", Counting(1, error))]).write(SEGMENTED)


def test_one_that_cannot_be_finished_does_not_keep_the_others_open(info: LoopInfo) -> None:
    class Unfinished(Counting):
        def close(self, complete: bool) -> None:
            raise OutputError("not whole")

    sinks: list[Callable | Counting] = [Counting(), Unfinished(), Counting()]
    with pytest.raises(OutputError, match="not whole"):
        Outlet([], info, [(str(number), sink) for number, sink in enumerate(sinks)]).close(complete=True)
    assert sinks[0].closed == sinks[2].closed == [True]


def test_an_output_named_twice_is_refused(info: LoopInfo, tmp_path) -> None:
    with pytest.raises(UsageError, match="stands twice"):
        Outlet([f"{tmp_path}/a.avi", f"{tmp_path}/a.avi"], info)


def test_what_comes_after_the_end_is_not_written(info: LoopInfo) -> None:
    sink = Counting()
    out = Outlet([], info, [("it", sink)])
    out.close(complete=True)
    out.write(SEGMENTED)
    assert sink.written == 0


def test_an_output_that_is_stuck_is_left_and_said(info: LoopInfo) -> None:
    free, began = threading.Event(), threading.Event()

    class Stuck(Counting):
        def write(self, segmented: Segmented) -> None:
            began.set()
            free.wait(60)

    other = Counting()
    out = Outlet([], info, [("stuck", Stuck()), ("other", other)])
    threading.Thread(target=out.write, args=(SEGMENTED,), daemon=True).start()
    began.wait(60)
    with pytest.raises(OutputError, match="stuck: does not take"):
        out.close(complete=True)
    assert other.closed == [True]
    free.set()
