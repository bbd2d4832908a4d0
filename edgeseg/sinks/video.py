"""The overlay as a video file."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from edgeseg.errors import OutputError
from edgeseg.images import Image
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources.frame import Frame

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}


def accepts(uri: str) -> bool:
    """True for a file name with a suffix that has a codec."""
    return Path(uri).suffix.lower() in CODECS


def open(uri: str, loop: LoopInfo) -> VideoSink:
    """Raises OutputError where the file cannot be written."""
    return VideoSink(Path(uri), Overlay(loop.labels), loop.fps, loop.live)


class VideoSink:
    """See `edgeseg.sinks.Sink`. Written beside its name, which it takes when it is complete.

    Of a `live` source, a picture is repeated for the frames that were dropped behind it, so
    that the video plays as fast as the world went.
    """

    def __init__(self, path: Path, overlay: Overlay, fps: float, live: bool = False) -> None:
        self._path, self._overlay, self._fps, self._live = path, overlay, fps, live
        self._temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, int] | None = None
        self._written = 0
        self._began = 0.0
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; give the name of a file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error

    def write(self, segmented: Segmented) -> None:
        """Append one frame; a frame of another size than the first is stretched to it."""
        frame = segmented.frame
        picture = self._overlay(frame.image, segmented.label_map)
        if self._writer is None or self._size is None:
            self._size = (picture.shape[1], picture.shape[0])
            self._writer = self._start(self._size)
            self._began = frame.captured
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._append(self._writer, picture, self._due(frame))

    def close(self, complete: bool) -> None:
        """Finish the file; an incomplete one becomes NAME.partial.SUFFIX. Raises OutputError where it is not whole."""
        if self._writer is None:
            self._temporary.unlink(missing_ok=True)
            return
        self._writer.release()
        if _frames(self._temporary) < self._written:  # the writer itself reports nothing
            self._temporary.unlink(missing_ok=True)
            raise OutputError(f"{self._path}: the video could not be written whole; is the disk full?")
        with self._temporary.open("rb+") as written:
            os.fsync(written.fileno())
        self._temporary.replace(self._path if complete else self.partial)

    @property
    def partial(self) -> Path:
        """The name of what is kept of a source that broke off."""
        return self._path.with_name(f"{self._path.stem}.partial{self._path.suffix}")

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
