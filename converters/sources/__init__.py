"""What can be converted: a module a kind, listed in `SOURCES`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converters.calibration import spread
from converters.job import Options
from converters.sources import keras, saved_model, tflite
from edgeseg.data.dataset import Pair
from edgeseg.errors import ModelError, UsageError
from edgeseg.evaluate import Predictor, evaluate
from edgeseg.labels import Labels
from edgeseg.model_info import PIXELS, ModelInfo

RANGES = ((0.0, 1.0), PIXELS, (-1.0, 1.0))
"""What black and white are, in the order in which they are tried for a model that does not say it."""
TRIAL = 12
"""Images on which they are tried."""


class Source(Protocol):
    """A network to convert."""

    @property
    def name(self) -> str:
        """Of the architecture, or of the file."""

    @property
    def info(self) -> ModelInfo | None:
        """None for a model that was not made here."""

    @property
    def predictor(self) -> Predictor:
        """The network as it runs before it is converted."""

    @property
    def labels(self) -> Labels | None:
        """The classes that the file names, if it does."""

    @property
    def num_classes(self) -> int | None:
        """2 for a network with one channel of foreground; None for class ids without names."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The kinds of output that it can be given, of `converters.job.OUTPUTS`."""

    @property
    def input_range(self) -> tuple[float, float]:
        """What black and white are to the float model."""

    @property
    def quantization_aware(self) -> bool:
        """Trained with fake quantization."""

    def float_model(self, output: str) -> bytes:
        """The network as a float32 .tflite with batch 1."""

    def converter(self, output: str) -> Any:
        """A TFLiteConverter, or None for a source that TensorFlow does not read."""


class Kind(Protocol):
    """What a module in `SOURCES` offers."""

    def accepts(self, path: Path) -> bool:
        """True for a path that looks like this kind; cheap."""

    def open(self, path: Path, input_range: tuple[float, float] | None) -> Source:
        """Load it; raises ModelError. `input_range` is for a model that does not say its own."""


SOURCES: tuple[Kind, ...] = (keras, saved_model, tflite)


def kind_of(path: Path) -> Kind:
    """The kind of source at `path`; raises ModelError where there is none."""
    for kind in SOURCES:
        if kind.accepts(path):
            return kind
    raise ModelError(f"{path}: give a run folder, a .keras file, a SavedModel or a float .tflite")


def open_source(path: Path, options: Options, pairs: Sequence[Pair], labels: Labels | None) -> tuple[Source, list[str]]:
    """Load what is to be converted; notes say what was assumed.

    Where neither the model nor the user says what black and white are, and there are `pairs`
    and `labels`, the range with the best mIoU on a few of them is taken.
    """
    kind = kind_of(path)
    source = kind.open(path, options.input_range)
    if source.info and options.input_range not in (None, source.info.input_range):
        low, high = source.info.input_range
        raise UsageError(f"{path}: says itself that black and white are {low:g} and {high:g}; leave out --input-range")
    if source.info or options.input_range:
        return source, []
    few = spread(pairs, TRIAL)
    if not few or labels is None:
        low, high = RANGES[0]
        return kind.open(path, RANGES[0]), [
            f"the model does not say what black and white are to it: taken as {low:g} and {high:g}; "
            "say it with --input-range"
        ]
    found = {tried: evaluate(kind.open(path, tried).predictor, few, labels).miou for tried in RANGES}
    best = max(found, key=lambda tried: np.nan_to_num(found[tried]))
    shares = ", ".join(f"{100 * miou:.1f} % for {low:g},{high:g}" for (low, high), miou in found.items())
    return kind.open(path, best), [
        f"the model does not say what black and white are to it: taken as {best[0]:g} and {best[1]:g} "
        f"by mIoU on {len(few)} images ({shares})"
    ]
