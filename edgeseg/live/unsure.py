"""The frames of which the model is least sure, kept on disk as candidates to label."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import OutputError
from edgeseg.files import write_bytes
from edgeseg.images import encode_jpeg, encode_png, resize_mask
from edgeseg.labels import Labels, read_labels
from edgeseg.sinks.moment import stamp
from edgeseg.sinks.sink import Segmented
from edgeseg.sinks.space import Room

APART_S = 2.0
"""Of frames nearer to each other than this only the most unsure is kept."""
QUALITY = 95
"""Of the JPEG, where the camera sent none."""
_NAME = re.compile(r"\d{8}-\d{6}-\d{3}-m(\d{4,5})")


def margin(scores: NDArray[Any]) -> float:
    """Mean over the pixels of the best minus the second best class, 0 (a guess) to 1 (no doubt).

    `scores` is HxWxC. Integers count by the range of their type, which a quantised model uses up;
    of floats the probabilities count: themselves where they sum to 1, else softmax. One channel,
    or HxW, is a foreground's probability or logit; integers turn in the middle of their range.
    """
    classes = scores.shape[2] if scores.ndim == 3 else 1
    if classes == 1:
        return _foreground_margin(scores)
    planes = cv2.transpose(scores.reshape(-1, classes))  # twenty times as fast as np.partition along the last axis
    best, second = np.maximum(planes[0], planes[1]), np.minimum(planes[0], planes[1])
    for plane in planes[2:]:
        second = np.maximum(second, np.minimum(best, plane))
        best = np.maximum(best, plane)
    if scores.dtype.kind in "iu":
        unsigned = np.dtype(f"u{scores.dtype.itemsize}")  # the difference of two int8 does not fit an int8
        return float((best.view(unsigned) - second.view(unsigned)).mean() / np.iinfo(unsigned).max)
    if planes.min() >= 0 and np.allclose(planes.sum(axis=0), 1, atol=0.01):
        return float((best - second).mean())
    return float(((1 - np.exp(second - best)) / np.exp(planes - best).sum(axis=0)).mean())


def _foreground_margin(scores: NDArray[Any]) -> float:
    if scores.dtype.kind in "iu":
        limits = np.iinfo(scores.dtype)
        return float(np.abs(2.0 * scores - (limits.min + limits.max)).mean() / (limits.max - limits.min))
    if scores.min() >= 0 and scores.max() <= 1:
        return float(np.abs(2 * scores - 1).mean())
    return float(np.tanh(np.abs(scores) / 2).mean())  # |p - (1 - p)| of the logistic function


@dataclass(frozen=True)
class _Kept:
    margin: int
    """In ten-thousandths, as in its name."""
    name: str
    size: int
    """Of image and mask, bytes."""


class Unsure:
    """A ring on disk, `images/` beside `masks/` and `labels.txt`, a data set as `edgeseg data check` knows it.

    A sink, see `edgeseg.sinks.Sink`. It names frames by the time (UTC) and their margin: m0815 is 0.0815.
    The masks are the model's own, to be corrected by hand, in a copy: the ring deletes. It counts
    what is in the folder, so it goes on after a restart, and a frame may be taken out at any time.
    """

    def __init__(
        self,
        folder: Path,
        labels: Labels,
        keep: int = 100,
        max_bytes: int = 200_000_000,
        own_time: float | None = None,
    ) -> None:
        """Keep at most `keep` frames and `max_bytes` of images and masks.

        `own_time`: frames a second of a file, whose time is not ours.

        Raises OutputError where the folder cannot be written or holds masks of other classes.
        """
        self._images, self._masks = folder / "images", folder / "masks"
        self._keep, self._max_bytes = keep, max_bytes
        self._own_time = own_time
        self._waiting: Segmented | None = None
        label_file = folder / "labels.txt"
        if label_file.is_file() and read_labels(label_file).names != labels.names:
            raise OutputError(f"{folder}: holds masks of other classes; choose another folder")
        write_bytes(label_file, ("\n".join(labels.names) + "\n").encode(), durable=False)
        try:
            for part in (self._images, self._masks):
                part.mkdir(exist_ok=True)
            self._tidy()
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
        self._room = Room(folder, str(folder))
        self._room.check()

    def write(self, segmented: Segmented) -> None:
        """Take one frame; it is written later, if at all. Raises OutputError where the disk does not take it."""
        if segmented.margin is None:
            return
        waiting = self._waiting
        if waiting is not None and self._time(segmented) - self._time(waiting) >= APART_S:
            self._waiting = segmented
            self._store(waiting)
        elif waiting is None or segmented.margin < (waiting.margin or 0.0):
            self._waiting = segmented

    def close(self, complete: bool) -> None:
        """Write the frame that waits, unless something broke off."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and complete:
            self._store(waiting)

    def _time(self, segmented: Segmented) -> float:
        return segmented.index / self._own_time if self._own_time else segmented.frame.captured

    def _store(self, segmented: Segmented) -> None:
        frame, doubt = segmented.frame, round((segmented.margin or 0.0) * 10_000)
        kept = sorted(self._listing(), key=lambda one: one.margin)
        if len(kept) >= self._keep and kept[-1].margin <= doubt:
            return
        self._room.check()
        picture = frame.jpeg or encode_jpeg(frame.image, QUALITY)
        mask = encode_png(resize_mask(segmented.label_map, (frame.image.shape[0], frame.image.shape[1])))
        size = sum(one.size for one in kept) + len(picture) + len(mask)
        surplus = []
        while kept and (len(kept) >= self._keep or size > self._max_bytes):
            surplus.append(kept.pop())
            size -= surplus[-1].size
            if surplus[-1].margin <= doubt:
                return  # those that would have to go are the more unsure
        if size > self._max_bytes:
            return
        name = f"{stamp(frame.captured)}-m{doubt:04d}"
        write_bytes(self._masks / f"{name}.png", mask, durable=False)
        write_bytes(self._images / f"{name}.jpg", picture, durable=False)
        for one in surplus:
            self._delete(one.name)

    def _listing(self) -> list[_Kept]:
        found = []
        for image in self._images.glob("*.jpg"):
            match = _NAME.fullmatch(image.stem)
            if match:
                size = _size(image) + _size(self._masks / f"{image.stem}.png")
                found.append(_Kept(int(match[1]), image.stem, size))
        return found

    def _tidy(self) -> None:
        """Remove what a power cut left: one file of a pair, an empty one, one half written."""
        for path in [*self._images.iterdir(), *self._masks.iterdir()]:
            if path.name.startswith(".") and _NAME.match(path.name[1:]):
                path.unlink(missing_ok=True)
            elif _NAME.fullmatch(path.stem) and not all(map(_size, self._pair(path.stem))):
                self._delete(path.stem)

    def _delete(self, name: str) -> None:
        for path in self._pair(name):
            path.unlink(missing_ok=True)  # whoever labels may have taken it

    def _pair(self, name: str) -> tuple[Path, Path]:
        return self._images / f"{name}.jpg", self._masks / f"{name}.png"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
