"""What `edgeseg live --list` tells: the cameras of this machine, and what it can open beside them."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2

from edgeseg import screen
from edgeseg.sources.v4l2 import DEV, SYS, Camera, Format, cameras

COLUMNS = 80
SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")
"""Where Debian keeps picamera2, which a venv does not see by itself."""


@dataclass(frozen=True)
class Backend:
    """A way to pictures, or to a screen."""

    name: str
    missing: str = ""
    """Why it cannot be used and what to do; empty where it can."""


@dataclass(frozen=True)
class Listing:
    """All there is."""

    cameras: tuple[Camera, ...]
    backends: tuple[Backend, ...]


def listing(dev: Path = DEV, sysfs: Path = SYS, packages: Path = SYSTEM_PACKAGES) -> Listing:
    """Look at this machine; other folders can stand in for its own."""
    found = tuple(cameras(dev, sysfs))
    return Listing(found, (_v4l2(), _picamera2(packages), _ffmpeg(), _gstreamer(), _windows()))


def _v4l2() -> Backend:
    if sys.platform != "linux":
        return Backend("V4L2", "is Linux's own; here a camera is opened by its number: --source 0")
    if not cv2.videoio_registry.hasBackend(cv2.CAP_V4L2):
        return Backend("V4L2", "this cv2 was built without it; install opencv-python-headless from PyPI")
    return Backend("V4L2")


def _picamera2(packages: Path) -> Backend:
    if find_spec("picamera2"):
        return Backend("picamera2")
    if (packages / "picamera2").is_dir():
        return Backend(
            "picamera2", "the system has it, but this venv does not see it: make the venv with --system-site-packages"
        )
    return Backend(
        "picamera2",
        "is not installed; on a Raspberry Pi, run  sudo apt install python3-picamera2  and "
        "make the venv with --system-site-packages",
    )


def _ffmpeg() -> Backend:
    if cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
        return Backend("FFmpeg")
    return Backend(
        "FFmpeg",
        "this cv2 was built without it, so no rtsp:// and few video files; install opencv-python-headless from PyPI",
    )


def _gstreamer() -> Backend:
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        return Backend("GStreamer")
    return Backend("GStreamer", "this cv2 was built without it; nothing here needs it: rtsp:// goes through FFmpeg")


def _windows() -> Backend:
    missing = screen.trouble()
    return Backend("windows", missing and f"{missing}, or look at the page")


def lines(listing: Listing) -> list[str]:
    """What to print, 80 columns wide."""
    told = ["cameras (sizes are height x width)"]
    for camera in listing.cameras:
        told.append(f"  {camera.device}  {camera.name}"[:COLUMNS])
        if camera.problem:
            told += _wrapped("    ", camera.problem)
        for form in camera.formats:
            told += _wrapped(f"    {form.code:<6}", _modes(form))
    if listing.cameras:
        told += _wrapped("  ", f"take one with --source 'camera:{listing.cameras[0].device}?size=480x640&fps=30'")
    else:
        told.append("  none: plug one in; a container has to be given it with --device /dev/video0")
    told.append("backends")
    width = max(len(backend.name) for backend in listing.backends)
    for backend in listing.backends:
        label = f"  {backend.name:<{width}}  "
        told += _wrapped(label, f"no: {backend.missing}" if backend.missing else "yes")
    return told


def _modes(form: Format) -> str:
    if form.any_between:
        first, last = (f"{mode.size[0]}x{mode.size[1]}" for mode in form.modes)
        return f"any size from {first} to {last}"
    return ", ".join(
        f"{mode.size[0]}x{mode.size[1]}" + (f" at {'/'.join(f'{rate:g}' for rate in mode.rates)}" if mode.rates else "")
        for mode in form.modes
    )


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False
    )
