"""The overlay as a video file."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from edgeseg.errors import OutputError
from edgeseg.images import Mask
from edgeseg.labels import Labels
from edgeseg.overlay import Overlay
from edgeseg.sources.frame import Frame

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}


def accepts(uri: str) -> bool:
    """True for a file name with a suffix that has a codec."""
    return Path(uri).suffix.lower() in CODECS


def open(uri: str, labels: Labels, fps: float) -> VideoSink:
    """Raises OutputError where the file cannot be written."""
    return VideoSink(Path(uri), Overlay(labels), fps)


class VideoSink:
    """See `edgeseg.sinks.Sink`. Written beside its name, which it takes when it is complete."""

    def __init__(self, path: Path, overlay: Overlay, fps: float) -> None:
        self._path, self._overlay, self._fps = path, overlay, fps
        self._temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error

    def write(self, frame: Frame, label_map: Mask) -> None:
        """Append one frame; a frame of another size than the first is stretched to it."""
        picture = self._overlay(frame.image, label_map)
        if self._size is None:
            self._size = (picture.shape[1], picture.shape[0])
            codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._temporary), codec, self._fps, self._size)
        assert self._writer is not None
        if not self._writer.isOpened():
            raise OutputError(f"{self._path}: this cv2 cannot encode {self._path.suffix}; try .avi")
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._writer.write(picture)

    def close(self, complete: bool) -> None:
        """Finish the file; an incomplete one becomes NAME.partial.SUFFIX."""
        if self._writer is None:
            self._temporary.unlink(missing_ok=True)
            return
        self._writer.release()
        with self._temporary.open("rb+") as written:
            os.fsync(written.fileno())
        self._temporary.replace(self._path if complete else self.partial)

    @property
    def partial(self) -> Path:
        """The name of what is kept of a source that broke off."""
        return self._path.with_name(f"{self._path.stem}.partial{self._path.suffix}")
