"""`picamera:0`: a Raspberry Pi's own camera through picamera2, written from its documentation.

It has not run on hardware. `picamera:0?size=480x640&fps=30`: all optional.
"""

from __future__ import annotations

import re
import time
from importlib import import_module
from typing import Any

import numpy as np

from edgeseg.errors import SourceError, UsageError, first_line
from edgeseg.printable import printable
from edgeseg.sources.capture import SILENCE, Capture
from edgeseg.sources.frame import Frame
from edgeseg.uri import read_options, read_size

DEFAULTS = {"size": "480x640", "fps": "30"}
INSTALL = (
    "run  sudo apt install python3-picamera2  and make the venv with --system-site-packages, or use camera: for a USB "
    "camera"
)


def accepts(uri: str) -> bool:
    """True for `picamera:` and `picamera:N`."""
    return re.fullmatch(r"picamera(:\d*)?(\?.*)?", uri) is not None


def open(uri: str) -> Capture:
    """Raises SourceError that says what to install, or which cameras there are."""
    options = read_options(uri, DEFAULTS)
    number = int(uri.partition("?")[0].partition(":")[2] or 0)
    try:
        size, fps = read_size(options["size"]), float(options["fps"])
        if fps <= 0:
            raise ValueError("fps is above zero")
    except ValueError as error:
        raise UsageError(f"{uri}: cannot be read ({error}); write it like picamera:0?size=480x640&fps=30") from error
    return Capture(uri, lambda: _open(uri, number, size, fps))


def _open(uri: str, number: int, size: tuple[int, int], fps: float) -> PicameraGrabber:
    try:
        picamera2 = import_module("picamera2")  # a second at start, and only on a Raspberry Pi
    except ImportError as error:
        raise SourceError(f"{uri}: picamera2 cannot be loaded ({first_line(error)}); {INSTALL}") from error
    except ValueError as error:  # a library of the system's, made for another numpy than the venv's
        raise SourceError(f"{uri}: picamera2 does not go with this numpy; install 'numpy<2' in the venv") from error
    there = [printable(str(info.get("Model", "unknown"))) for info in picamera2.Picamera2.global_camera_info()]
    if number >= len(there):
        listed = ", ".join(f"picamera:{index} ({model})" for index, model in enumerate(there)) or "none"
        raise SourceError(f"{uri}: there is no such camera; this board has {listed}, check the ribbon cable")
    try:
        return PicameraGrabber(picamera2.Picamera2(number), size, fps)
    except RuntimeError as error:
        raise SourceError(f"{uri}: the camera cannot be opened, another program may hold it ({error})") from error


class PicameraGrabber:
    """See `edgeseg.sources.capture.Grabber`; `camera` is a Picamera2 that is not configured yet."""

    def __init__(self, camera: Any, size: tuple[int, int], fps: float) -> None:
        """`size` is (height, width). Raises RuntimeError where the camera does not take that."""
        self._camera = camera
        height, width = size
        try:
            # picamera2 names the order of a number's bits: the lowest byte, first in memory, is blue in RGB888.
            config = camera.create_video_configuration(
                main={"size": (width, height), "format": "RGB888"}, controls={"FrameRate": fps}
            )
            camera.configure(config)
            camera.start()
        except RuntimeError:
            camera.close()
            raise
        width, height = camera.camera_configuration()["main"]["size"]
        self.fps = fps
        self.notes = [f"the camera gives size={height}x{width}"]
        if (height, width) != size:
            self.notes[0] += f"; it was asked for size={size[0]}x{size[1]}"

    def read(self) -> Frame:
        """See `edgeseg.sources.capture.Grabber`."""
        try:
            image = self._camera.capture_array("main", wait=SILENCE)
        except TimeoutError as error:
            raise SourceError(f"the camera gave nothing for {SILENCE:.0f} s") from error
        except RuntimeError as error:
            raise SourceError(f"the camera failed ({first_line(error)})") from error
        return Frame(np.asarray(image, np.uint8), "", time.monotonic())

    def close(self) -> None:
        """Free the camera."""
        self._camera.close()
