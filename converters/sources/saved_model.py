"""A TensorFlow SavedModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.job import OUTPUTS
from edgeseg.errors import ModelError, first_line
from edgeseg.labels import Labels
from edgeseg.model_info import PIXELS, ModelInfo
from edgeseg.segmenter import class_map

NAMES = ("serve", "serving_default")
"""Signatures that are looked for first: Keras' `export` and TensorFlow's default."""


def accepts(path: Path) -> bool:
    """See `converters.sources.Kind`."""
    return (path / "saved_model.pb").is_file()


class SavedModelSource:
    """See `converters.sources.Source`."""

    input_range = PIXELS
    outputs = OUTPUTS
    info: ModelInfo | None = None
    labels: Labels | None = None
    quantization_aware = False

    def __init__(self, path: Path, input_range: tuple[float, float] | None) -> None:
        import tensorflow as tf

        try:
            self._loaded = tf.saved_model.load(str(path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"{path}: TensorFlow cannot load it ({first_line(error)}); export it again") from error
        self._signature = _signature(path, self._loaded.signatures)
        taken = self._signature.structured_input_signature[1]
        if len(taken) != 1 or not all(map(_is_image, taken.values())):
            found = ", ".join(f"{spec.dtype.name} {_shape(spec)}" for spec in taken.values()) or "nothing"
            raise ModelError(
                f"{path}: takes {found}; a segmenter takes one float32 "
                "(batch, height, width, 1 or 3) of fixed size, the batch open or 1: export it so"
            )
        self._argument, spec = next(iter(taken.items()))
        shape = _shape(spec)
        scores = {name: out for name, out in self._signature.structured_outputs.items() if out.shape.rank == 4}
        if len(scores) != 1 or not (next(iter(scores.values())).shape[3] or 0) >= 2:
            raise ModelError(
                f"{path}: gives {[str(out.shape) for out in self._signature.structured_outputs.values()]}; a segmenter "
                "gives one output (batch, height, width, 2 or more classes)"
            )
        self._key = next(iter(scores))
        self._shape = (int(shape[1]), int(shape[2]), int(shape[3]))
        self._low, high = input_range or PIXELS
        self._step = (high - self._low) / 255
        self.name = path.resolve().name
        self.num_classes = int(scores[self._key].shape[3])
        self.size, self.channels = self._shape[:2], self._shape[2]
        self.predictor = self

    def scores(self, image: Any) -> Any:
        """Pixels (1, *size, channels) float32 in [0, 255] to scores (1, h, w, classes)."""
        return self._signature(**{self._argument: image * self._step + self._low})[self._key]

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `edgeseg.evaluate.Predictor`."""
        import tensorflow as tf

        each = (self.scores(tf.constant(image[None], tf.float32)).numpy()[0] for image in images)
        return np.stack([class_map(scores, self.size) for scores in each])

    def converter(self, output: str) -> Any:
        """See `converters.sources.Source`."""
        from converters.graph import Exported

        return Exported(self.scores, self._loaded, self._shape, output).converter()

    def float_model(self, output: str) -> bytes:
        """See `converters.sources.Source`."""
        return bytes(self.converter(output).convert())


def open(path: Path, input_range: tuple[float, float] | None) -> SavedModelSource:
    """See `converters.sources.Kind`."""
    return SavedModelSource(path, input_range)


def _shape(spec: Any) -> list[Any]:
    """Lengths, None where one is open; empty where the rank is."""
    return list(spec.shape.as_list()) if spec.shape.rank is not None else []


def _is_image(spec: Any) -> bool:
    shape = _shape(spec)
    fixed = len(shape) == 4 and shape[0] in (None, 1) and None not in shape[1:]
    return bool(fixed and shape[3] in (1, 3) and spec.dtype.name == "float32")


def _signature(path: Path, signatures: Any) -> Any:
    for name in (*NAMES, *signatures):
        if name in signatures:
            return signatures[name]
    raise ModelError(f"{path}: has no signature to call; export it with  model.export(FOLDER)")
