import threading
import time
from collections.abc import Callable

import cv2
import pytest

from edgeseg.errors import OutputError
from edgeseg.overlay import Overlay
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented
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
    sink = WindowSink(Overlay(info().labels))

    def write_for_long() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            sink.write(segmented(0))
            time.sleep(0.05)

    with pytest.raises(OutputError, match=r"the screen cannot be had \(.*\); show a page"):
        write_for_long()
    sink.close(complete=False)
    assert "window" not in {thread.name for thread in threading.enumerate()}
