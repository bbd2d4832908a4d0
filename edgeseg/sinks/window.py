"""A window with the overlay, where the installed cv2 can open one. Esc or q ends the loop."""

from __future__ import annotations

import cv2

from edgeseg.errors import OutputError
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import LoopInfo, Segmented

TITLE = "edgeseg"
KEYS_TO_QUIT = (27, ord("q"))


def accepts(uri: str) -> bool:
    """True for `window:`."""
    return uri in ("window", "window:")


def open(uri: str, loop: LoopInfo) -> WindowSink:
    """Raises OutputError where there is no window to be had."""
    try:
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
    except cv2.error as error:
        raise OutputError(
            "window: this cv2 has no windows, or there is no screen; write a file with --out out.mp4, or replace "
            "opencv-python-headless by opencv-python"
        ) from error
    return WindowSink(Overlay(loop.labels))


class WindowSink:
    """See `edgeseg.sinks.Sink`."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    def write(self, segmented: Segmented) -> None:
        """Show one frame; raises KeyboardInterrupt when the user closes the window."""
        cv2.imshow(TITLE, self._overlay(segmented.frame.image, segmented.label_map))
        if cv2.waitKey(1) & 0xFF in KEYS_TO_QUIT:
            raise KeyboardInterrupt

    def close(self, complete: bool) -> None:
        """Close the window."""
        cv2.destroyWindow(TITLE)
