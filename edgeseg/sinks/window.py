"""`window:` the overlay, where the installed cv2 can show one. Esc, q or closing it ends the loop.

While no frame comes, its title says so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cv2

from edgeseg import screen
from edgeseg.errors import OutputError, first_line
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sinks.stale import is_stale

NAME = "edgeseg"
KEYS_TO_QUIT = (27, ord("q"))
INSTEAD = "show a page with --out http://127.0.0.1:8080, or write a file with --out out.mp4"
POLL_S = 0.05
"""How long the window waits for a frame before it looks at its keys."""
LEAVE_S = 0.5
TRIAL = "import cv2; cv2.namedWindow('edgeseg'); cv2.waitKey(1)"
TRIAL_S = 30.0


def accepts(uri: str) -> bool:
    """True for `window:`."""
    return uri in ("window", "window:")


def open(uri: str, loop: LoopInfo) -> WindowSink:
    """Raises OutputError where there is no window to be had; opens none before the first frame."""
    trouble = screen.trouble()
    if trouble:
        raise OutputError(f"window: {trouble}, or {INSTEAD}")
    return WindowSink(loop)


def trial() -> str:
    """Why no window can be opened; empty where one can. A toolkit that finds no screen ends its whole process."""
    import subprocess

    command = [sys.executable, "-c", TRIAL]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        return f"the screen has not answered for {TRIAL_S:g} s"
    if result.returncode == 0:
        return ""
    lines = result.stderr.strip().splitlines() or ["no reason given"]
    return (
        f"the screen cannot be had ({lines[-1 if result.returncode == 1 else 0]})"  # Python's reason is its last line
    )


class WindowSink:
    """See `edgeseg.sinks.Sink`.

    A thread of its own makes every call for the window, which has to come from one thread,
    and answers keys while no frame comes. It shows the newest frame.
    """

    def __init__(self, loop: LoopInfo, gui: Any = cv2, trial: Callable[[], str] = trial) -> None:
        """`gui` is anything with cv2's functions for windows; `trial` gives the reason why it cannot be used."""
        self._loop, self._gui, self._trial = loop, gui, trial
        self._overlay = Overlay(loop.labels)
        self._newest: Segmented | None = None
        self._newest_at = 0.0
        self._changed = threading.Event()
        self._leaving = False
        self._closed_by_user = False
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="window", daemon=True)
        self._thread.start()

    def write(self, segmented: Segmented) -> None:
        """Hand over a frame to show; raises EndLoop when the user has closed the window."""
        if self._closed_by_user:
            raise EndLoop
        if self._failure:
            raise OutputError(f"window: {self._failure}; {INSTEAD}")
        self._newest, self._newest_at = segmented, time.monotonic()
        self._changed.set()

    def close(self, complete: bool) -> None:
        """Close the window."""
        self._leaving = True
        self._thread.join(LEAVE_S)

    def _run(self) -> None:
        self._failure = self._trial()
        if self._failure:
            return
        try:
            self._show()
        except cv2.error as error:
            self._failure = first_line(error)

    def _show(self) -> None:
        opened = seen = False
        title = NAME
        while not self._leaving:
            if self._changed.wait(POLL_S) and (newest := self._newest):
                self._changed.clear()
                if not opened:
                    self._gui.namedWindow(NAME, cv2.WINDOW_NORMAL)
                    opened = True
                self._gui.imshow(NAME, self._overlay(newest.frame.image, newest.label_map))
            if not opened:
                continue
            key = self._gui.waitKey(1) & 0xFF
            visible = self._visible()
            if key in KEYS_TO_QUIT or (seen and not visible):  # some toolkits never say that it is visible
                self._closed_by_user = True
                self._loop.end()  # no frame may ever come to raise EndLoop
                break
            seen = visible
            before, title = title, self._title()
            if title != before:
                self._gui.setWindowTitle(NAME, title)
        if opened:
            with suppress(cv2.error):  # Qt, when the user has closed it already
                self._gui.destroyAllWindows()

    def _title(self) -> str:
        idle_s = time.monotonic() - self._newest_at
        return f"{NAME}: STALE, no frame for {int(idle_s)} s" if is_stale(idle_s, self._loop) else NAME

    def _visible(self) -> bool:
        try:
            return bool(self._gui.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE) > 0)
        except cv2.error:  # Qt, once its last window is closed
            return False
