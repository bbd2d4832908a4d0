"""A float network made ready for quantization-aware training, with ranges from training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeseg.data.dataset import Pair
from edgeseg.errors import ModelError
from edgeseg.images import preprocess, read_frame
from edgeseg.training.qat.fold import fold
from edgeseg.training.qat.prepare import calibrate, prepare

CALIBRATION_FRAMES = 100
"""Training images that set the first ranges, at most."""
BATCH = 4


def begin(network: Any, path: Path, train: Sequence[Pair], on_count: Callable[[int, int], None]) -> Any:
    """Fold, prepare and calibrate the network that came from `path`; raises ModelError where it cannot be."""
    try:
        folded = fold(network)
        prepared = prepare(folded)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    _, height, width, channels = folded.input_shape
    count = min(CALIBRATION_FRAMES, len(train))
    chosen = [train[i] for i in np.linspace(0, len(train) - 1, count).astype(int)]
    groups = [chosen[start : start + BATCH] for start in range(0, count, BATCH)]
    done = iter(range(1, len(groups) + 1))
    batches = (
        np.stack([preprocess(read_frame(pair.image), (height, width), channels) for pair in group]).astype(np.float32)
        for group in groups
    )
    calibrate(prepared, folded, batches, lambda: on_count(next(done), len(groups)))
    return prepared
