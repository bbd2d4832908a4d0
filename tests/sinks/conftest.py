"""What the tests of sinks share: a loop to hang on, frames to give, a disk that is full."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edgeseg.labels import Labels
from edgeseg.sinks.sink import Controls, LoopInfo, Segmented
from edgeseg.sources.frame import Frame


@pytest.fixture
def said() -> list[str]:
    """What the loop of `info` was asked to tell people."""
    return []


@pytest.fixture
def info(said: list[str]) -> Callable[..., LoopInfo]:
    """A loop of two classes at 10 frames a second."""

    def make(**given: object) -> LoopInfo:
        defaults = {"labels": Labels.from_names(["background", "thing"]), "fps": 10.0, "live": False}
        return LoopInfo(**defaults | {"say": said.append, "controls": Controls()} | given)

    return make


@pytest.fixture
def segmented() -> Callable[..., Segmented]:
    """Frame `number`, grey unless `image` is given, with a mask of a chessboard of 2x2."""

    def make(
        number: int,
        size: tuple[int, int] = (48, 64),
        captured: float | None = None,
        image: np.ndarray | None = None,
        jpeg: bool = False,
    ) -> Segmented:
        picture = np.full((*size, 3), 100, np.uint8) if image is None else image
        data = cv2.imencode(".jpg", picture)[1].tobytes() if jpeg else None
        at = time.monotonic() if captured is None else captured
        frame = Frame(None if jpeg else picture, f"{number:06d}", at, data)
        return Segmented(frame, np.array([[0, 1], [1, 0]], np.uint8), number, 2.5, 4.0)

    return make
