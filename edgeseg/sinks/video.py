"""The overlay as a video file."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from edgeseg.errors import OutputError
from edgeseg.images import Image
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.space import Room
from edgeseg.sources.frame import Frame

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}
LONGEST_GAP_S = 2.0
"""A camera that was away for an hour must not cost the loop an hour's pictures at once."""


def accepts(uri: str) -> bool:
    """True for a file name with a suffix that has a codec."""
    return Path(uri).suffix.lower() in CODECS


def open(uri: str, loop: LoopInfo) -> VideoSink:
    """Raises OutputError where the file cannot be written."""
    return VideoSink(Path(uri), Overlay(loop.labels), loop.fps, loop.live)


class VideoSink:
    """See `edgeseg.sinks.Sink`. Written beside its name, which it takes when it is complete.

    Of a `live` source, a picture is repeated for the frames that were dropped before it, so
    that the video plays as fast as the world went; of a gap, the first two seconds.
    """

    def __init__(self, path: Path, overlay: Overlay, fps: float, live: bool = False) -> None:
        self._path, self._overlay, self._fps, self._live = path, overlay, fps, live
        self._temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, int] | None = None
        self._written = 0
        self._began = self._latest = 0.0
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; give the name of a file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
        self._room = Room(path.parent, str(path))  # the writer itself is silent when a disk fills
        try:
            self._room.check()
        except OutputError:
            self._temporary.unlink()
            raise

    def write(self, segmented: Segmented) -> None:
        """Append one frame; a frame of another size than the first is stretched to it."""
        self._room.check()
        frame = segmented.frame
        picture = self._overlay(frame.image, segmented.label_map)
        if self._writer is None or self._size is None:
            self._size = (picture.shape[1], picture.shape[0])
            self._writer = self._start(self._size)
            self._began = self._latest = frame.captured
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._append(self._writer, picture, self._due(frame))

    def close(self, complete: bool) -> None:
        """Finish the file; raises OutputError where it is not whole.

        With `complete` false it becomes NAME.partial.SUFFIX as it is: of a file that no player
        opens, a tool may still save the frames.
        """
        if self._writer is None:
            self._temporary.unlink(missing_ok=True)
            return
        self._writer.release()
        if complete and _frames(self._temporary) < self._written:  # the writer itself reports nothing
            self._temporary.unlink(missing_ok=True)
            raise OutputError(f"{self._path}: the video could not be written whole; is the disk full?")
        if not self._temporary.stat().st_size:
            self._temporary.unlink()
            return
        with self._temporary.open("rb+") as written:
            os.fsync(written.fileno())
        self._temporary.replace(self._path if complete else self.partial)

    @property
    def partial(self) -> Path:
        """The name of what is kept when something broke off: one that is free."""
        stem, suffix = self._path.stem, self._path.suffix
        names = (f"{stem}.partial{'' if number == 1 else f'-{number}'}{suffix}" for number in count(1))
        return next(path for path in map(self._path.with_name, names) if not path.exists())

    def _start(self, size: tuple[int, int]) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._temporary), codec, self._fps, size)
        if not writer.isOpened():
            raise OutputError(f"{self._path}: this cv2 cannot encode {self._path.suffix}; try .avi")
        return writer

    def _due(self, frame: Frame) -> int:
        """Pictures that the video must hold once this frame is in it."""
        if not self._live:
            return self._written + 1
        self._began += max(0.0, frame.captured - self._latest - LONGEST_GAP_S)
        self._latest = frame.captured
        return max(self._written + 1, round((frame.captured - self._began) * self._fps) + 1)

    def _append(self, writer: cv2.VideoWriter, picture: Image, due: int) -> None:
        for _ in range(due - self._written):
            writer.write(picture)
        self._written = due


def _frames(path: Path) -> int:
    """Frames that the finished file says it holds; 0 where it cannot be opened."""
    capture = cv2.VideoCapture(str(path))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
