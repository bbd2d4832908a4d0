import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edgeseg.errors import OutputError
from edgeseg.sinks import open_sink, stale
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sinks.unseen import NO_KEY, Unseen
from edgeseg.sinks.window import WindowSink


def test_a_cv2_without_windows_says_what_to_do(info: Callable[..., LoopInfo], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    if cv2.currentUIFramework():
        pytest.skip("this cv2 can open windows")
    with pytest.raises(OutputError, match=r"opencv-python, or show a page with --out http"):
        open_sink("window:", info())


def test_a_machine_without_a_screen_says_so(info: Callable[..., LoopInfo], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OutputError, match="there is no screen"):
        open_sink("window:", info())


def test_a_screen_that_is_not_there_is_a_failure_of_this_output_alone(
    info: Callable[..., LoopInfo], segmented: Callable[..., Segmented], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":76")
    sink = WindowSink(info())

    def write_for_long() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            sink.write(segmented(0))
            time.sleep(0.05)

    with pytest.raises(OutputError, match=r"the screen cannot be had \(.*\); show a page"):
        write_for_long()
    sink.close(complete=False)
    assert "window" not in {thread.name for thread in threading.enumerate()}


def no_trouble() -> str:
    return ""


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_frame_is_shown_with_its_classes_and_closing_closes_the_window(
    info: Callable[..., LoopInfo], segmented: Callable[..., Segmented]
) -> None:
    gui = Unseen()
    sink = WindowSink(info(), gui, no_trouble)
    assert not gui.open
    sink.write(segmented(0))
    wait_for(lambda: gui.shown is not None)
    assert gui.shown.shape == (48, 64, 3)
    assert len(np.unique(gui.shown.reshape(-1, 3), axis=0)) > 1  # the frame alone is grey all over
    sink.close(complete=True)
    wait_for(lambda: not gui.open)
    assert gui.titles == ["edgeseg"]


def test_a_window_without_frames_says_so_until_they_come_again(
    info: Callable[..., LoopInfo], segmented: Callable[..., Segmented], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stale, "STALE_S", 0.5)
    gui = Unseen()
    sink = WindowSink(info(), gui, no_trouble)
    sink.write(segmented(0))
    wait_for(lambda: "edgeseg: STALE, no frame for 1 s" in gui.titles)
    sink.write(segmented(1))
    wait_for(lambda: gui.titles[-1] == "edgeseg")
    sink.close(complete=True)


@pytest.mark.parametrize(("key", "visible"), [(ord("q"), True), (27, True), (NO_KEY, False)])
def test_a_user_ends_the_loop_though_no_frame_comes(
    key: int, visible: bool, info: Callable[..., LoopInfo], segmented: Callable[..., Segmented]
) -> None:
    gui, ended = Unseen(), threading.Event()
    sink = WindowSink(info(end=ended.set), gui, no_trouble)
    sink.write(segmented(0))
    wait_for(lambda: gui.shown is not None)
    time.sleep(0.2)  # it has to be seen once
    assert not ended.is_set()
    gui.key, gui.visible = key, visible
    assert ended.wait(15)
    with pytest.raises(EndLoop):
        sink.write(segmented(1))
    sink.close(complete=True)


def test_a_window_that_fails_is_reported(info: Callable[..., LoopInfo], segmented: Callable[..., Segmented]) -> None:
    class Broken(Unseen):
        def imshow(self, name: str, picture: np.ndarray) -> None:
            raise cv2.error("the display is gone")

    sink = WindowSink(info(), Broken(), no_trouble)
    sink.write(segmented(0))
    sink._thread.join(15)
    with pytest.raises(OutputError, match="window: the display is gone; show a page"):
        sink.write(segmented(1))
    sink.close(complete=False)
