"""A camera by number or device, read by a thread that keeps only the newest frame."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeseg.errors import SourceError
from edgeseg.sources.frame import Frame

SILENCE = 5.0
"""Seconds without a frame after which a camera counts as gone."""


def accepts(uri: str) -> bool:
    """True for a number, `/dev/videoN` and `camera:` before either."""
    return re.fullmatch(r"(camera:)?(\d+|/dev/video\d+)", uri) is not None


def open(uri: str) -> CameraSource:
    """Raises SourceError that lists the cameras there are."""
    index = int(re.findall(r"\d+", uri)[-1])
    if sys.platform == "linux" and not Path(f"/dev/video{index}").exists():
        raise SourceError(f"{uri}: there is no such camera; {_listing()}")
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        raise SourceError(f"{uri}: the camera cannot be opened, another program may hold it; {_listing()}")
    return CameraSource(uri, capture)


def cameras() -> dict[str, str]:
    """Device and name of each camera that Linux lists."""
    found = sorted(Path("/sys/class/video4linux").glob("video*"))
    return {f"/dev/{path.name}": (path / "name").read_text().strip() for path in found}


def _listing() -> str:
    there = ", ".join(f"{device} ({name})" for device, name in cameras().items())
    if there:
        return f"this machine has {there}"
    return "this machine has none: plug one in, or try the rendered one with --source belt:"


class CameraSource:
    """See `edgeseg.sources.Source`; `capture` is anything with cv2.VideoCapture's read and release."""

    def __init__(self, uri: str, capture: Any, fps: float | None = None) -> None:
        self._uri = uri
        self._capture = capture
        self.fps = fps or float(capture.get(cv2.CAP_PROP_FPS)) or 30.0
        self.total: int | None = None
        self.live = True
        self.dropped = 0
        self.state = ""
        self.eager = False
        self._slot: Frame | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._capture_frames, name="capture", daemon=True)
        self._thread.start()

    def _capture_frames(self) -> None:
        index = 0
        while not self._ended:
            read, image = self._capture.read()
            with self._changed:
                if not read:
                    self._ended = True
                else:
                    self.dropped += self._slot is not None
                    self._slot = Frame(np.asarray(image, np.uint8), f"{index:06d}", time.monotonic())
                    index += 1
                self._changed.notify()

    def frames(self) -> Iterator[Frame]:
        """The newest frame each time; raises SourceError when the camera goes away."""
        while True:
            with self._changed:
                arrived = self._changed.wait_for(lambda: self._slot is not None or self._ended, SILENCE)
                frame, self._slot = self._slot, None
            if frame is None:
                reason = "has gone away" if arrived else f"gave no frame for {SILENCE:.0f} s"
                raise SourceError(f"{self._uri}: the camera {reason}; check the cable and start again")
            yield frame

    def close(self) -> None:
        """Stop the thread and free the device."""
        self._ended = True
        self._thread.join(timeout=SILENCE)
        if not self._thread.is_alive():  # releasing under a driver that hangs in read() would crash
            self._capture.release()
