"""A video file, every frame of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgeseg.errors import SourceError
from edgeseg.sources.frame import Frame
from edgeseg.sources.stored import Stored

TOLERANCE = 0.02
"""Some containers only estimate their number of frames; fewer by this share is no damage."""


def accepts(uri: str) -> bool:
    """True for a file that exists."""
    return Path(uri).is_file()


def open(uri: str) -> VideoSource:
    """Raises SourceError where the file is no video."""
    return VideoSource(uri)


class VideoSource(Stored):
    """See `edgeseg.sources.Source`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(path)
        if not self._capture.isOpened():
            raise SourceError(f"{path}: cannot be opened as a video; it is damaged or of a kind that this cv2 lacks")
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        super().__init__(self._capture.get(cv2.CAP_PROP_FPS) or 30.0, count if count > 0 else None)

    def frames(self) -> Iterator[Frame]:
        """Raises SourceError after the last good frame of a video that breaks off."""
        index = 0
        while True:
            read, image = self._capture.read()
            if not read:
                break
            yield Frame(np.asarray(image, np.uint8), f"{index:06d}", time.monotonic())
            index += 1
        if self.total is not None and index < self.total - max(1, round(TOLERANCE * self.total)):
            raise SourceError(f"{self._path}: breaks off after {index} of {self.total} frames; the file is damaged")

    def close(self) -> None:
        """Close the file."""
        self._capture.release()
