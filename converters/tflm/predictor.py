"""A model as a microcontroller would run it, for the same figures as any other predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.tflm.check import check_file
from converters.tflm.runtime import flatbuffer, interpreter
from edgeseg.errors import ModelError
from edgeseg.model_info import read_info
from edgeseg.segmenter import Decoder, feed


class MicroPredictor:
    """Class maps from TensorFlow Lite Micro; satisfies `edgeseg.evaluate.Predictor`."""

    def __init__(self, model: Path, input_range: tuple[float, float] = (0.0, 1.0)) -> None:
        """Load `model` once a process of its own has shown that it runs.

        `input_range` is what black and white are to a float input that does not say it itself.
        Raises ModelError where it does not run or takes no pictures, MissingExtraError where
        tflite-micro is absent.
        """
        report = check_file(model, frames=1)
        if report.arena_bytes is None:
            raise ModelError(f"{model}: TensorFlow Lite Micro does not run it ({report.reason}); {report.advice}")
        info = read_info(model)
        self._range = info.input_range if info else input_range
        self._interpreter = interpreter(flatbuffer(model.read_bytes()), report.arena_bytes)
        wanted, given = self._interpreter.get_input_details(0), self._interpreter.get_output_details(0)
        shape = [int(length) for length in wanted["shape"]]
        if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
            raise ModelError(f"{model}: takes {shape}; edgeseg feeds (1, height, width, 1 or 3): export the model so")
        self.size, self.channels = (shape[1], shape[2]), shape[3]
        self._input = np.zeros(shape, wanted["dtype"])
        quantization = given["quantization_parameters"]
        scale = float(quantization["scales"][0]) if len(quantization["scales"]) else 0.0
        zero_point = int(quantization["zero_points"][0]) if len(quantization["zero_points"]) else 0
        details = {"shape": given["shape"], "dtype": given["dtype"], "quantization": (scale, zero_point)}
        self._decode = Decoder(details, self.size, model)
        self.labels = info.labels if info else None
        """None where the file names no classes."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `edgeseg.evaluate.Predictor`."""
        found = []
        for image in images:
            feed(self._input[0], image, self._range)
            self._interpreter.set_input(self._input, 0)
            self._interpreter.invoke()
            found.append(self._decode(self._interpreter.get_output(0)[0]))
        return np.stack(found)
