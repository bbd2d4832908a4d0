"""`replay:DIR` a recording that `--out record:DIR` has made: each frame once, in order, as it came."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeseg.errors import DataError, SourceError
from edgeseg.images import Mask
from edgeseg.sources import recording
from edgeseg.sources.frame import Frame
from edgeseg.sources.stored import Stored


@dataclass(frozen=True)
class Recorded:
    """A frame with what was made of it then."""

    record: recording.Record
    """Its `info` holds `name`, `index`, `time` (UTC, ISO 8601), `captured` (s, on the clock of its run), `invoke_ms`
    and `age_ms`."""
    head: dict[str, Any]
    """`model` (file name), `labels` (see `Labels.from_json`), `fps` and `live` of the loop that recorded it."""

    @property
    def frame(self) -> Frame:
        """As if it were captured now. Raises SourceError where the picture cannot be read."""
        name, picture = str(self.record.info["name"]), self.record.picture
        if self.record.info["picture"] == "jpg":
            return Frame(None, name, time.monotonic(), picture)
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceError(f"frame {name} of the recording is no picture; record it again")
        return Frame(np.asarray(image, np.uint8), name, time.monotonic())

    @property
    def label_map(self) -> Mask:
        """uint8 class ids at the model's own size."""
        return np.frombuffer(zlib.decompress(self.record.mask), np.uint8).reshape(self.record.info["mask"])


def accepts(uri: str) -> bool:
    """True for `replay:…`."""
    return uri.startswith("replay:")


def open(uri: str) -> ReplaySource:
    """Raises SourceError for a folder that is no recording, holds no frame, or was made by a newer edgeseg."""
    return ReplaySource(Path(uri.partition(":")[2]))


class ReplaySource(Stored):
    """See `edgeseg.sources.Source`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            notes = recording.check_manifest(folder)
            self._total, torn = _measure(folder)
            first = next(read_recording(folder), None)
        except DataError as error:
            raise SourceError(f"{error}; give a folder that --out record:DIR has written") from error
        except OSError as error:
            raise SourceError(f"{folder}: cannot be read ({error.strerror}); check the disk") from error
        if first is None:
            raise SourceError(f"{folder}: holds no frame; record some with --out record:{folder}")
        if torn:
            notes.append(f"{folder}: was broken off; its last {torn} bytes are no whole frame")
        super().__init__(float(first.head["fps"]), self._total, notes)

    def frames(self) -> Iterator[Frame]:
        """Each frame once, with its JPEG where there was one; raises SourceError after the last if some are lost."""
        given = 0
        try:
            for recorded in read_recording(self._folder):
                yield recorded.frame
                given += 1
        except FileNotFoundError:
            pass  # a ring that still turns has dropped it
        if given < self._total:
            lost = self._total - given
            raise SourceError(f"{self._folder}: {lost} of {self._total} frames are damaged or gone; check the disk")


def _measure(folder: Path) -> tuple[int, int]:
    """Frames in all, and bytes of a torn one; of the segments only the last has to be read for that."""
    segments = recording.segments(folder)
    if not segments:
        return 0, 0
    frames, torn = recording.measure(segments[-1])
    return int(segments[-1].stem) - int(segments[0].stem) + frames, torn


def read_recording(folder: Path) -> Iterator[Recorded]:
    """Each frame with its mask, oldest first; what is not whole is left out. Raises OSError."""
    for segment in recording.segments(folder):
        head: dict[str, Any] = {}
        with segment.open("rb") as file:
            for position, record in enumerate(recording.read(file)):
                if position:
                    yield Recorded(record, head)
                else:
                    head = record.info
