"""A Keras model as a predictor: logits, brought to the input's size, argmax."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError
from edgeseg.model_info import ModelInfo, read_info
from edgeseg.training.backend import keras
from edgeseg.training.qat import layers as _registered  # noqa: F401  so that Keras finds them in a file


class KerasPredictor:
    """See `edgeseg.evaluate.Predictor`; the class map has the input's size."""

    def __init__(self, model: Any) -> None:
        _, height, width, self.channels = model.input_shape
        self.size = (int(height), int(width))
        scores = keras.ops.cast(model.output, "float32")
        scores = keras.ops.image.resize(scores, self.size, interpolation="bilinear", data_format="channels_last")
        self._model = keras.Model(model.input, keras.ops.argmax(scores, axis=-1))

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, *size, channels) pixels to (N, *size) class ids."""
        found = self._model.predict_on_batch(images.astype(np.float32))
        return np.asarray(found).astype(np.uint8)


def load_keras(path: Path) -> tuple[Any, ModelInfo | None]:
    """Load a `.keras` file without its optimizer; raises ModelError for a damaged or foreign one."""
    if path.is_file() and path.suffix != ".keras":
        raise ModelError(f"{path}: is no model; give a run folder, a .keras or a .tflite file")
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model; give a run folder or a .keras file")
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        reason = "it is damaged" if not zipfile.is_zipfile(path) else (str(error).strip().splitlines() or ["?"])[0]
        raise ModelError(f"{path}: Keras cannot load it ({reason}); train or save it again") from error
    shape = getattr(model, "input_shape", None)
    if not (isinstance(shape, tuple) and len(shape) == 4 and None not in shape[1:] and shape[3] in (1, 3)):
        raise ModelError(f"{path}: takes input {shape}; a segmenter takes (batch, height, width, 1 or 3)")
    if len(model.output_shape) != 4 or model.output_shape[3] < 2:
        raise ModelError(
            f"{path}: gives {model.output_shape}; a segmenter gives (batch, height, width, 2 or more classes)"
        )
    return model, read_info(path)
