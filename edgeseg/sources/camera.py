"""`0`, `camera:0`, `camera:/dev/video0`: a camera that cv2 opens, on Linux through V4L2.

`camera:0?size=480x640&fps=30&format=mjpg`: all optional. `format` is mjpg or yuyv. A camera takes
what it is asked for as a wish, so what it gives is read back, and is in `notes`.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeseg.errors import SourceError, UsageError
from edgeseg.printable import printable
from edgeseg.sources.capture import SILENCE, Capture
from edgeseg.sources.frame import Frame
from edgeseg.uri import read_options, read_size

DEFAULTS = {"size": "", "fps": "", "format": "mjpg"}
FORMATS = {"mjpg": "MJPG", "yuyv": "YUYV"}
BUFFERS = 2
"""One is filled while the other is looked at; with one, a camera skips frames, and more only grow old."""
DOUBTS = 5
"""First frames without a JPEG's beginning, after which cv2 is left to make pictures of them."""
JPEG_BEGIN = b"\xff\xd8"


@dataclass(frozen=True)
class Wish:
    """What a camera is asked for; None leaves it to its driver."""

    size: tuple[int, int] | None = None
    """(height, width)."""
    fps: float | None = None
    format: str = "mjpg"
    """A key of FORMATS."""


def accepts(uri: str) -> bool:
    """True for a number, `/dev/…` and `camera:` before either."""
    return _parsed(uri) is not None


def open(uri: str) -> Capture:
    """Raises SourceError that lists the cameras there are."""
    parsed = _parsed(uri)
    device = parsed[1] if parsed else ""
    options = read_options(uri, DEFAULTS)
    try:
        if options["format"] not in FORMATS:
            raise ValueError(f"the format is {' or '.join(FORMATS)}")
        wish = Wish(
            read_size(options["size"]) if options["size"] else None,
            float(options["fps"]) if options["fps"] else None,
            options["format"],
        )
    except ValueError as error:
        raise UsageError(f"{uri}: cannot be read ({error}); write it like camera:0?size=480x640&fps=30") from error
    return Capture(uri, lambda: CameraGrabber(_device(uri, device), wish))


def _parsed(uri: str) -> re.Match[str] | None:
    return re.fullmatch(r"(?:camera:)?(\d+|/dev/[^?]+)(?:\?.*)?", uri)


def _device(uri: str, device: str) -> cv2.VideoCapture:
    linux = sys.platform == "linux"
    node = Path(f"/dev/video{device}" if device.isdecimal() else device)
    if linux and not node.exists():
        raise SourceError(f"{uri}: there is no such camera; {_listing()}")
    if linux and not os.access(node, os.R_OK | os.W_OK, effective_ids=True):
        raise SourceError(f"{uri}: you may not open it; run  sudo usermod -aG video $USER  and log in again")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{SILENCE:.0f}")
    capture = cv2.VideoCapture(int(device) if device.isdecimal() else device, cv2.CAP_V4L2 if linux else cv2.CAP_ANY)
    if not capture.isOpened():
        raise SourceError(f"{uri}: the camera cannot be opened, another program may hold it; {_listing()}")
    return capture


def _listing() -> str:
    from edgeseg.sources.v4l2 import cameras

    there = ", ".join(f"{camera.device} ({camera.name})" for camera in cameras())
    if there:
        return f"this machine has {there}"
    return "this machine has none: plug one in, or try the rendered one with --source belt:"


class CameraGrabber:
    """See `edgeseg.sources.capture.Grabber`; `capture` is anything with cv2.VideoCapture's get, set, read, release.

    The JPEGs of a camera that gives them are passed on as they are: whoever wants a picture decodes it.
    """

    def __init__(self, capture: Any, wish: Wish) -> None:
        self._capture = capture
        for what, value in _settings(wish):
            capture.set(what, value)
        size = (int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)))
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1")
        self.fps = float(capture.get(cv2.CAP_PROP_FPS)) or wish.fps or 30.0
        self.notes = [_note(wish, size, self.fps, code)]
        self._doubts: int | None = None
        """How many first frames were no JPEG; None once that is settled."""
        self._raw = code == FORMATS["mjpg"] and bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))
        if self._raw:
            self._doubts = 0

    def read(self) -> Frame:
        """See `edgeseg.sources.capture.Grabber`."""
        while True:
            read, image = self._capture.read()
            now = time.monotonic()
            if not read:
                raise SourceError("the camera gives no more frames")
            if not self._raw:
                return Frame(np.asarray(image, np.uint8), "", now)
            jpeg = np.asarray(image).tobytes()
            if jpeg.startswith(JPEG_BEGIN):
                self._doubts = None
            if self._doubts is None:
                return Frame(None, "", now, jpeg)
            self._doubts += 1
            if self._doubts == DOUBTS:
                self._raw = False
                self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)

    def close(self) -> None:
        """Free the device."""
        self._capture.release()


def _settings(wish: Wish) -> list[tuple[int, float]]:
    """Properties in an order that drivers take: a new format resets the size, and a new size the rate."""
    settings: list[tuple[int, float]] = [(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*FORMATS[wish.format]))]
    if wish.size:
        settings += [(cv2.CAP_PROP_FRAME_WIDTH, wish.size[1]), (cv2.CAP_PROP_FRAME_HEIGHT, wish.size[0])]
    if wish.fps:
        settings.append((cv2.CAP_PROP_FPS, wish.fps))
    return [*settings, (cv2.CAP_PROP_BUFFERSIZE, BUFFERS)]


def _note(wish: Wish, size: tuple[int, int], fps: float, code: str) -> str:
    """What the camera gives, and what else it was asked for, in the words of the URI."""
    given = {
        "size": f"{size[0]}x{size[1]}",
        "fps": f"{fps:g}",
        "format": printable(code.strip("\0 ").lower()) or "unknown",
    }
    asked = {
        "size": f"{wish.size[0]}x{wish.size[1]}" if wish.size else "",
        "fps": f"{wish.fps:g}" if wish.fps else "",
        "format": wish.format,
    }
    refused = " ".join(f"{name}={value}" for name, value in asked.items() if value and value != given[name])
    note = "the camera gives " + " ".join(f"{name}={value}" for name, value in given.items())
    return f"{note}; it was asked for {refused}" if refused else note
