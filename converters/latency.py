"""How much faster or slower a converted model is, as a ratio within one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeseg.segmenter import Segmenter

ROUNDS = 30
SECONDS = 20.0
"""No more rounds are begun after so long."""


def latency_ratio(model: Segmenter, reference: Segmenter, images: Sequence[NDArray[np.uint8]]) -> float:
    """Median over rounds of `model`'s inference time over `reference`'s; below 1 the model is faster.

    Both run in turn on the same image of `images`, so that what else the machine does meets both.
    """
    ratios = []
    began = time.monotonic()
    for number in range(ROUNDS):
        image = images[number % len(images)][None]
        model.predict(image)
        reference.predict(image)
        if number:  # the first round warms up
            ratios.append(model.invoke_ms / reference.invoke_ms)
        if number and time.monotonic() - began > SECONDS:
            break
    return statistics.median(ratios)
