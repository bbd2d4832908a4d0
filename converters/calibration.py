"""Frames for calibration, read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.graph import INPUT
from edgeseg.images import preprocess, read_frame


def stream(
    paths: Sequence[str], size: tuple[int, int], channels: int, on_progress: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    """Yield inputs (1, *size, channels) float32 in [0, 255], as the converter wants them.

    The first frame gets one black and one white pixel, so that the input's range is [0, 255]
    and its quantization exactly scale 1: raw pixels can then be fed as they are.
    """
    for number, path in enumerate(paths):
        image = preprocess(read_frame(Path(path)), size, channels).astype(np.float32)
        if number == 0:
            image[0, 0], image[-1, -1] = 0, 255
        yield {INPUT: image[None]}
        on_progress(number + 1, len(paths))
