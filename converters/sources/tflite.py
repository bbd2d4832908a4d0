"""A float `.tflite`, ours or anybody's; TensorFlow is not needed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from converters.tflite.normalize import normalize
from edgeseg.errors import ModelError
from edgeseg.model_info import associated_labels, read_info
from edgeseg.segmenter import Segmenter

UNIT = (0.0, 1.0)


def accepts(path: Path) -> bool:
    """See `converters.sources.Kind`."""
    return path.suffix == ".tflite"


class TfliteSource:
    """See `converters.sources.Source`."""

    quantization_aware = False

    def __init__(self, path: Path, input_range: tuple[float, float] | None) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); give a .tflite file") from error
        self.info = read_info(path)
        self.input_range = self.info.input_range if self.info else input_range or UNIT
        try:
            self._model = normalize(data)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / path.name
            plain.write_bytes(self._model)
            segmenter = Segmenter(plain, input_range=self.input_range, runtime="litert")
        self.name = self.info.architecture if self.info else path.stem
        self.predictor = segmenter
        self.outputs = (segmenter.output,)
        count = None if segmenter.output == "labels" else segmenter.labels.num_classes
        self.labels = self.info.labels if self.info else associated_labels(path, count)
        self.num_classes = self.labels.num_classes if self.labels else count

    def float_model(self, output: str) -> bytes:
        """See `converters.sources.Source`."""
        return self._model

    def converter(self, output: str) -> None:
        """See `converters.sources.Source`."""
        return


def open(path: Path, input_range: tuple[float, float] | None) -> TfliteSource:
    """See `converters.sources.Kind`."""
    return TfliteSource(path, input_range)
