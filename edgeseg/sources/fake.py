"""`fake:` a live camera that behaves, or misbehaves, as it is told.

`fake:?play=belt:&fps=30&format=mjpg`: all optional.

    play=URI      what it shows, over and over: any source that is not live; write %26 for an & within it
    cycle=20      of that, as many frames are made once and kept in memory
    fps=30        frames a second
    format=mjpg   as cameras send it, at quality 90; or bgr
    frames=N      ends after so many; else it never does

And what goes wrong, in seconds since it was opened first:

    lost=5+3      at 5 s it disappears, and can be opened again 3 s later
    stall=8+4     from 8 s on nothing comes for 4 s, and no error either
    corrupt=7     every 7th JPEG is cut short
    resize=10     from the 10th frame on, height and width are two thirds
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np

from edgeseg.errors import SourceError, UsageError
from edgeseg.images import Image, encode_jpeg
from edgeseg.sources.capture import SILENCE, Capture
from edgeseg.sources.clock import Clock
from edgeseg.sources.frame import Frame
from edgeseg.uri import read_options

DEFAULTS = {
    "play": "belt:?size=480x640",
    "cycle": "20",
    "fps": "30",
    "format": "mjpg",
    "frames": "0",
    "lost": "0+0",
    "stall": "0+0",
    "corrupt": "0",
    "resize": "0",
}
QUALITY = 90
MOST = 60
"""Frames that are kept in memory."""
FORMATS = ("mjpg", "bgr")


@dataclass(frozen=True)
class Script:
    """What the camera does; 0 stands for never."""

    fps: float
    frames: int
    """After how many it ends."""
    lost: tuple[float, float]
    """Beginning and length in seconds."""
    stall: tuple[float, float]
    """Beginning and length in seconds."""
    corrupt: int
    """Each so-manyth is cut short."""
    resize: int
    """The frame, counted from 1, from which on they are smaller."""


def accepts(uri: str) -> bool:
    """True for `fake:…`."""
    return uri == "fake" or uri.startswith("fake:")


def open(uri: str) -> Capture:
    """Raises UsageError for options that cannot be read, SourceError where there is nothing to play."""
    options = read_options(uri, DEFAULTS)
    try:
        script, cycle = _script(options), int(options["cycle"])
        if not 1 <= cycle <= MOST:
            raise ValueError(f"cycle is 1 to {MOST}")
    except ValueError as error:
        raise UsageError(f"{uri}: cannot be read ({error}); write it like fake:?fps=30&lost=5+3") from error
    taken = _jpeg if options["format"] == "mjpg" else _image
    pictures = [
        (taken(image), taken(_smaller(image))) if script.resize else (taken(image),)
        for image in _images(uri, options["play"], cycle)
    ]
    if not pictures:
        raise SourceError(f"{uri}: {options['play']} holds no frame; play something else")
    return Capture(uri, FakeCamera(pictures, script).open)


def _script(options: dict[str, str]) -> Script:
    if options["format"] not in FORMATS:
        raise ValueError(f"the format is {' or '.join(FORMATS)}")
    if options["format"] != "mjpg" and int(options["corrupt"]):
        raise ValueError("only mjpg can be corrupt")
    script = Script(
        fps=float(options["fps"]),
        frames=int(options["frames"]),
        lost=_span(options["lost"]),
        stall=_span(options["stall"]),
        corrupt=int(options["corrupt"]),
        resize=int(options["resize"]),
    )
    if script.fps <= 0 or min(script.frames, script.corrupt, script.resize, *script.lost, *script.stall) < 0:
        raise ValueError("fps is above zero, and nothing is below")
    return script


def _span(text: str) -> tuple[float, float]:
    begin, plus, length = text.replace(" ", "+").partition("+")  # in a query, a + stands for a space
    if not plus:
        raise ValueError(f"'{text}' is no beginning and length in seconds")
    return float(begin), float(length)


def _images(uri: str, play: str, count: int) -> Iterator[Image]:
    """One at a time: all of them together would be what most of a small board's memory went into."""
    from edgeseg.sources import open_source

    source = open_source(play)
    try:
        if source.live:
            raise SourceError(f"{uri}: {play} is live itself; play a file, a folder or belt:")
        yield from (frame.image for frame in islice(source.frames(), count) if frame is not None)
    finally:
        source.close()


def _smaller(image: Image) -> Image:
    height, width = image.shape[:2]
    return np.asarray(cv2.resize(image, (width * 2 // 3, height * 2 // 3), interpolation=cv2.INTER_AREA), np.uint8)


def _image(image: Image) -> Image:
    return image


def _jpeg(image: Image) -> bytes:
    return encode_jpeg(image, QUALITY)


class FakeCamera:
    """The device, and its own `Grabber`: time goes on in it while nobody has it open."""

    def __init__(self, pictures: Sequence[tuple[Image | bytes, ...]], script: Script) -> None:
        """`pictures`: the cycle, each as it is, and at another size where the script asks for one."""
        self._pictures, self._script = pictures, script
        self.fps = script.fps
        self.notes: list[str] = []
        self._given = 0
        self._began = time.monotonic()
        self._clock = Clock(script.fps)

    def open(self) -> FakeCamera:
        """Raises SourceError while it is away."""
        if _within(self._script.lost, time.monotonic() - self._began):
            raise SourceError("the fake camera is away")
        return self

    def read(self) -> Frame | None:
        """See `edgeseg.sources.capture.Grabber`."""
        if self._script.frames and self._given == self._script.frames:
            return None
        self._wait()
        if _within(self._script.lost, time.monotonic() - self._began):
            raise SourceError("the fake camera has gone away")
        return self._picture()

    def close(self) -> None:
        """Nothing to free."""

    def _wait(self) -> None:
        """Until the next frame is due."""
        if _within(self._script.stall, time.monotonic() - self._began):
            self._clock.due = self._began + sum(self._script.stall)
            if self._clock.due - time.monotonic() > SILENCE:
                time.sleep(SILENCE)
                raise SourceError(f"the fake camera gave nothing for {SILENCE:.0f} s")
        self._clock.wait()

    def _picture(self) -> Frame:
        self._given += 1
        sizes = self._pictures[(self._given - 1) % len(self._pictures)]
        picture = sizes[-1 if self._given >= self._script.resize else 0]
        if not isinstance(picture, bytes):
            return Frame(picture, "", time.monotonic())
        if self._script.corrupt and self._given % self._script.corrupt == 0:
            picture = picture[: len(picture) // 2]
        return Frame(None, "", time.monotonic(), picture)


def _within(span: tuple[float, float], seconds: float) -> bool:
    return span[0] <= seconds < sum(span)
