"""Golden frames: chosen from the user's images, and recorded stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.bundle.bounds import UNMEASURED, Bounds, measured
from edgeseg.bundle.record import Record
from edgeseg.errors import DataError, EdgesegError
from edgeseg.images import IMAGE_SUFFIXES, Image, Mask, encode_jpeg, encode_png, read_frame, resize, to_channels

if TYPE_CHECKING:
    from edgeseg.segmenter import Segmenter

MAX_PIXELS = 1280 * 960
"""A frame with more is halved until it fits: a camera gives no more, and the record grows with it."""
QUALITY = 95
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})


@dataclass(frozen=True, eq=False)
class Golden:
    """A frame and what it has to become."""

    name: str
    """Of the user's file."""
    file: bytes
    """JPEG or PNG."""
    suffix: str
    """'jpg' or 'png'."""
    record: Record
    mask: Mask
    """Class ids at the model's size."""


def choose(folder: Path, count: int) -> list[Path]:
    """At most `count` images, spread evenly over a folder of images, or over the val part of a labelled set.

    Raises DataError where there is none.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); give a folder of images") from error
    if not files:
        from edgeseg.data.dataset import open_dataset

        splits = open_dataset(folder).splits
        pairs = next(splits[name] for name in ("val", "test", *splits) if splits.get(name))
        files = [pair.image for pair in pairs]
    kept = min(count, len(files))
    return [files[(2 * i + 1) * len(files) // (2 * kept)] for i in range(kept)]


def record(
    model: Path, segmenter: Segmenter, images: list[Path], on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[Golden], Bounds]:
    """Run `images` through every stage, and measure with both kinds of kernels how far another machine may be off.

    Raises DataError for an image that cannot be read, ModelError where the model fails.
    """
    reference = _reference(model)
    made, pairs = [], []
    for number, path in enumerate(images):
        file, suffix = _stored(path)
        frame = decode(file)
        resized = resize(frame, segmenter.size)
        picture = to_channels(resized, segmenter.channels)
        mask = segmenter.infer(picture)
        raw = raw_output(segmenter)
        if reference:
            reference.infer(picture)
            pairs.append((raw, raw_output(reference)))
        made.append(Golden(path.name, file, suffix, Record(frame, resized, picture, raw), mask))
        if on_progress:
            on_progress(number + 1, len(images))
    return made, measured(pairs, segmenter.output == "labels") if pairs else UNMEASURED


def raw_output(segmenter: Segmenter) -> NDArray[Any]:
    """A copy of the last output as the model gave it, without its batch; class ids as uint8 HxW."""
    raw = segmenter.raw()
    return raw.reshape(raw.shape[:2]).astype(np.uint8) if segmenter.output == "labels" else raw


def decode(file: bytes) -> Image:
    """JPEG or PNG as BGR uint8 HxWx3."""
    return np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _stored(path: Path) -> tuple[bytes, str]:
    """Bytes and suffix: a JPEG's own where it is small, and such as a camera might send."""
    frame, jpeg = read_frame(path), path.suffix.lower() in JPEG_SUFFIXES
    if jpeg and frame.shape[0] * frame.shape[1] <= MAX_PIXELS and _as_of_a_camera(data := path.read_bytes(), frame):
        return data, "jpg"
    while frame.shape[0] * frame.shape[1] > MAX_PIXELS:
        frame = resize(frame, (max(1, frame.shape[0] // 2), max(1, frame.shape[1] // 2)))
    return (encode_jpeg(frame, QUALITY), "jpg") if jpeg else (encode_png(frame), "png")


def _as_of_a_camera(jpeg: bytes, frame: Image) -> bool:
    """False where the decoder for cameras sees another picture: it heeds no Exif, for one."""
    from edgeseg.sources.frame import decode_jpeg

    try:
        return np.array_equal(decode_jpeg(jpeg), frame)
    except DataError:
        return False


def _reference(model: Path) -> Segmenter | None:
    """The model on LiteRT's reference kernels; None where they cannot run it."""
    from edgeseg.segmenter import Segmenter

    try:
        return Segmenter(model, runtime="reference")
    except EdgesegError:
        return None


def untelling(golden: list[Golden]) -> list[str]:
    """Notes on golden frames that would let a wrong model pass."""
    shown = {int(class_id) for each in golden for class_id in np.unique(each.mask)}
    if len(shown) > 1:
        return []
    return ["all golden masks show one class alone, so that another model may pass too; choose telling frames"]
