"""The stages from a picture's file to its mask, each judged alone from what the stage before it gave at home.

So a fault shows in the stage that has it, and in no other. What each may differ by:

- decode: a PNG not at all. Of JPEG decoders libjpeg-turbo's coarsest settings differ from
  its default by 1.1 to 1.5 steps in the mean, and by more than 8 in at most 0.6 % of the values.
- resize: one step, since kernels in fixed point round either way.
- colour: RGB not at all, grey by one step, for the same reason.
- model: twice as much as two kinds of kernels did with this very model; see `edgeseg.bundle.bounds`.
- argmax: not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeseg import images
from edgeseg.bundle import bounds, golden
from edgeseg.bundle.bounds import Bounds
from edgeseg.bundle.record import Record
from edgeseg.errors import DataError, ModelError
from edgeseg.images import Image, Mask
from edgeseg.segmenter import Segmenter
from edgeseg.sources import frame

MEAN_STEPS = 2.0
FAR_STEPS, FAR_SHARE = 8, 0.01
"""Of a decoded JPEG: mean difference, and the share of values that may be further off."""


@dataclass(frozen=True, eq=False)
class Case:
    """One golden frame on this machine."""

    segmenter: Segmenter
    file: Path
    """JPEG or PNG."""
    record: Record
    mask: Mask
    """Expected, at the model's size."""
    bounds: Bounds


@dataclass(frozen=True)
class Finding:
    """What became of one stage."""

    fine: bool
    detail: str
    """What was measured, with what is allowed; or why it failed."""


def decode(case: Case) -> Finding:
    """A file to BGR: as image files are read and, for JPEG, as a camera's frames are too."""
    try:
        if case.file.suffix == ".png":
            return _steps(images.read_frame(case.file), case.record.frame, 0)
        pictures = images.read_frame(case.file), frame.decode_jpeg(case.file.read_bytes())
    except DataError as error:
        return Finding(False, str(error))
    return min((_jpeg(picture, case) for picture in pictures), key=lambda finding: finding.fine)


def _jpeg(image: Image, case: Case) -> Finding:
    if image.shape != case.record.frame.shape:
        return _other_shape(image, case.record.frame)
    off = np.abs(image.astype(np.int16) - case.record.frame)
    mean, far = float(off.mean()), float(np.mean(off > FAR_STEPS))
    fine = mean <= MEAN_STEPS and far <= FAR_SHARE
    allowed = f"{MEAN_STEPS} and {FAR_SHARE:.0%} allowed"
    return Finding(fine, f"off by {mean:.2f} steps, {far:.2%} of it by more than {FAR_STEPS}; {allowed}")


def resize(case: Case) -> Finding:
    """The decoded frame to the model's size."""
    return _steps(images.resize(case.record.frame, case.segmenter.size), case.record.resized, 1)


def colour(case: Case) -> Finding:
    """The small frame to what the model sees."""
    allowed = 1 if case.segmenter.channels == 1 else 0
    return _steps(case.segmenter.picture(case.record.resized), case.record.picture, allowed)


def model(case: Case) -> Finding:
    """The picture to the model's raw output."""
    try:
        case.segmenter.infer(case.record.picture)
    except ModelError as error:
        return Finding(False, str(error))
    raw, expected = golden.raw_output(case.segmenter), case.record.raw
    if raw.shape != expected.shape or raw.dtype != expected.dtype:
        return Finding(False, f"gives {raw.dtype} {raw.shape}, and gave {expected.dtype} {expected.shape}")
    same, error_ = bounds.difference(raw, expected, case.segmenter.output == "labels")
    fine = same >= case.bounds.agreement
    detail = f"{same:.2%} of the classes are the same, {case.bounds.agreement:.2%} wanted"
    if error_ is not None and case.bounds.error is not None:
        fine = fine and error_ <= case.bounds.error
        detail += f"; scores off by {error_:.3g}, {case.bounds.error:.3g} allowed"
    return Finding(fine, detail)


def argmax(case: Case) -> Finding:
    """The raw output to class ids."""
    return _steps(case.segmenter.decode(case.record.raw), case.mask, 0)


STAGES: tuple[tuple[str, Callable[[Case], Finding]], ...] = (
    ("decode", decode),
    ("resize", resize),
    ("colour", colour),
    ("model", model),
    ("argmax", argmax),
)
"""In the order in which a frame goes through them."""


def _steps(found: Image, expected: Image, allowed: int) -> Finding:
    if found.shape != expected.shape:
        return _other_shape(found, expected)
    off = np.abs(found.astype(np.int16) - expected)
    differing = float(np.mean(off > allowed))
    largest = int(off.max())
    return Finding(largest <= allowed, f"off by at most {largest}, {allowed} allowed; {differing:.2%} beyond")


def _other_shape(found: Image, expected: Image) -> Finding:
    return Finding(False, f"gives {found.shape}, and gave {expected.shape}")
