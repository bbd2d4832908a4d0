"""Where frames come from: a module for each kind, imported when a URI asks for it, for the sake of a quick start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Protocol, cast

from edgeseg.errors import SourceError
from edgeseg.sources.frame import Frame
from edgeseg.uri import masked


class Source(Protocol):
    """An open source of frames."""

    fps: float
    """Frames a second that the source means to give; 30 where it does not say."""
    total: int | None
    """Frames in all, where that is known."""
    live: bool
    """Frames come when they come, and some may be dropped; else each is given once."""
    dropped: int
    """Frames that were replaced by a newer one before anybody took them."""
    prepare: Callable[[Frame], None] | None
    """Set by the loop where a core is free: what the source's own thread, if it has one, does to each frame."""
    notes: list[str]
    """What a user should know at the start, a line each."""

    @property
    def state(self) -> str:
        """What is wrong, such as 'lost, trying again in 4 s: reason'; empty while frames come."""

    def frames(self) -> Iterator[Frame | None]:
        """Give frames until the source ends; raises SourceError where it breaks off.

        Where none comes, a live source gives None at least every half second, so that the
        loop can see to other things. Calling it again goes on with a live source.
        """

    def close(self) -> None:
        """Free the device or file; may be called twice."""


class _Module(Protocol):
    def accepts(self, uri: str) -> bool: ...
    def open(self, uri: str) -> Source: ...


SCHEMES = {
    "belt": "belt",
    "fake": "fake",
    "camera": "camera",
    "picamera": "picamera",
    "replay": "replay",
    "rtsp": "stream",
    "rtsps": "stream",
    "http": "stream",
    "https": "stream",
}
"""Modules by what stands before the colon."""
PLACES = ("camera", "folder", "video")
"""Modules for what is a number or a path: 0 is the camera, ./0 what has that name here."""
KNOWN = (
    "0 or camera:/dev/video0 · picamera:0 · rtsp://… · http://… · clip.mp4 · a folder of images · replay:DIR · belt: · "
    "fake:"
)


def open_source(uri: str) -> Source:
    """Open a source by its URI; raises SourceError that says what is there instead."""
    scheme = uri.partition(":")[0].lower()
    for name in [SCHEMES[scheme]] if scheme in SCHEMES else PLACES:
        module = cast(_Module, import_module(f"edgeseg.sources.{name}"))
        if module.accepts(uri):
            return module.open(uri)
    uri = masked(uri)
    if ":" not in uri:
        raise SourceError(f"{uri}: there is no such video, folder or camera; known sources are {KNOWN}")
    raise SourceError(f"{uri}: is no source; known are {KNOWN}")
