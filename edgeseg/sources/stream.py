"""`rtsp://…` and `http(s)://…`: a camera in the network. What it is in front of the @ goes into no message.

An http address gives the JPEGs of a multipart stream as they come, as most cameras and edgeseg's own page send
them; what else it gives, FFmpeg gets, as it does rtsp.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from edgeseg.errors import SourceError
from edgeseg.printable import printable
from edgeseg.sources.capture import SILENCE, Capture, Grabber
from edgeseg.sources.clock import Clock
from edgeseg.sources.frame import Frame
from edgeseg.uri import masked

SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
OPTIONS = "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay"
"""For FFmpeg's rtsp: TCP, since torn pictures are worse than late ones, and nothing is kept back."""
FASTEST = 240.0
"""Frames a second above which a stream's own figure is its clock's, and says nothing."""


def accepts(uri: str) -> bool:
    """True for an address with one of SCHEMES."""
    return uri.lower().startswith(SCHEMES)


def open(uri: str) -> Capture:
    """Raises SourceError where nothing answers, or what answers gives no pictures."""
    shown = masked(uri)
    if uri.lower().startswith("rtsp"):
        return Capture(shown, lambda: FfmpegGrabber(uri, shown))
    return Capture(shown, lambda: _http(uri, shown))


def _http(uri: str, shown: str) -> Grabber:
    from edgeseg.sources import multipart  # the libraries behind it take 30 ms to load

    answer = multipart.request(uri, shown)
    kind = answer.headers.get_content_type()
    if kind.startswith("multipart/"):
        return multipart.MultipartGrabber(answer)
    answer.close()
    if kind.startswith("video/") or kind in ("application/vnd.apple.mpegurl", "application/x-mpegurl"):
        return FfmpegGrabber(uri, shown)
    raise SourceError(
        f"{shown}: gives {printable(kind)}, which is no stream of pictures; look up the camera's address for MJPEG"
    )


class FfmpegGrabber:
    """See `edgeseg.sources.capture.Grabber`."""

    def __init__(self, uri: str, shown: str) -> None:
        """Raises SourceError that names `shown` where nothing answers in time."""
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(SILENCE * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(SILENCE * 1000),
        ]
        # of a video file, these options would lose the last frame
        with _options(OPTIONS if uri.lower().startswith("rtsp") else ""):
            self._capture = cv2.VideoCapture(uri, cv2.CAP_FFMPEG, timeouts)
        if not self._capture.isOpened():
            raise SourceError(f"{shown}: no stream can be had there; check address, password and that the camera is on")
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= FASTEST else 30.0
        self.notes: list[str] = []
        finite = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        self._clock = Clock(self.fps) if finite else None

    def read(self) -> Frame | None:
        """See `edgeseg.sources.capture.Grabber`; a video file on a server comes at its own rate, and ends."""
        read, image = self._capture.read()
        if read:
            now = self._clock.wait() if self._clock else time.monotonic()
            return Frame(np.asarray(image, np.uint8), "", now)
        if self._clock:
            return None
        raise SourceError("the stream ended or fell silent")

    def close(self) -> None:
        """End the connection."""
        self._capture.release()


@contextmanager
def _options(options: str) -> Iterator[None]:
    """Give FFmpeg `options` by the only way that cv2 has for them; a user's own go first."""
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    if name in os.environ:
        yield
        return
    os.environ[name] = options
    try:
        yield
    finally:
        os.environ.pop(name, None)
