"""The worst images as strips: image, truth, source, result, difference."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edgeseg.compare import Difference, segment
from edgeseg.data.dataset import read_mask
from edgeseg.evaluate import Predictor
from edgeseg.images import Image, Mask, read_frame, resize_mask
from edgeseg.labels import Labels
from edgeseg.metrics import where_counted
from edgeseg.overlay import Overlay

WIDTH = 320
"""Pixels of a panel."""
LOST, WON, CHANGED = (44, 44, 214), (84, 160, 44), (180, 119, 31)
"""BGR of pixels that only the source has right, only the result, or that just differ."""
FADED = 0.25
QUALITY = 82


@dataclass(frozen=True)
class Strip:
    """One image in panels."""

    name: str
    words: str
    panels: tuple[tuple[str, str], ...]
    """(title, data URI) of each."""


def strip(worst: Difference, mask: Path | None, source: Predictor, result: Predictor, labels: Labels) -> Strip:
    """Draw what two models make of the image `worst.image`."""
    frame = read_frame(Path(worst.image))
    size = (max(1, round(frame.shape[0] * WIDTH / frame.shape[1])), WIDTH)
    small = np.asarray(cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)
    truth = resize_mask(read_mask(mask), size) if mask else None
    one, other = (resize_mask(segment(model, frame), size) for model in (source, result))
    overlay = Overlay(labels, opacity=0.6, legend=False)
    panels = [("image", small)]
    panels += [("truth", overlay(small, truth))] if truth is not None else []
    panels += [("source", overlay(small, one)), ("result", overlay(small, other))]
    panels += [("difference", _difference(small, one, other, truth, labels))]
    words = f"agrees on {100 * worst.agreement:.1f} % of the pixels"
    if truth is not None:
        words = f"{100 * worst.lost:.1f} % of the pixels went wrong, {100 * worst.won:.1f} % came right; {words}"
    return Strip(Path(worst.image).name, words, tuple((title, _uri(picture)) for title, picture in panels))


def _difference(small: Image, one: Mask, other: Mask, truth: Mask | None, labels: Labels) -> Image:
    grey = cv2.cvtColor(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    picture = np.asarray(255 - (255 - grey) * FADED, np.uint8)
    if truth is None:
        picture[one != other] = CHANGED
    else:
        keep = where_counted(truth, labels)
        picture[(one != other) & keep] = CHANGED
        picture[(one == truth) & (other != truth) & keep] = LOST
        picture[(one != truth) & (other == truth) & keep] = WON
    return picture


def _uri(picture: Image) -> str:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
