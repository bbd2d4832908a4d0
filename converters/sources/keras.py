"""A run folder or a `.keras` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converters.job import OUTPUTS
from edgeseg.model_info import PIXELS
from edgeseg.training.run import best_model


def accepts(path: Path) -> bool:
    """See `converters.sources.Kind`."""
    return path.suffix == ".keras" or (path.is_dir() and not (path / "saved_model.pb").is_file())


class KerasSource:
    """See `converters.sources.Source`."""

    input_range = PIXELS
    outputs = OUTPUTS

    def __init__(self, path: Path, input_range: tuple[float, float] | None) -> None:
        from edgeseg.training.backend import keras
        from edgeseg.training.predict import KerasPredictor, load_keras
        from edgeseg.training.qat.prepare import is_qat

        network, self.info = load_keras(path)
        if input_range not in (None, PIXELS) and not self.info:
            low, high = input_range
            pixels = keras.Input(network.input_shape[1:])
            scaled = keras.layers.Rescaling((high - low) / 255, low)(pixels)
            network = keras.Model(pixels, network(scaled), name=network.name)
        self._network = network
        self.name = self.info.architecture if self.info else network.name
        self.predictor = KerasPredictor(network)
        self.labels = self.info.labels if self.info else None
        self.num_classes = int(network.output_shape[3])
        self.quantization_aware = is_qat(network)

    def converter(self, output: str) -> Any:
        """See `converters.sources.Source`."""
        return self._exported(self._network, output)

    def float_model(self, output: str) -> bytes:
        """See `converters.sources.Source`; of a network that rounds, what it would be without."""
        from edgeseg.training.qat.prepare import plain

        network = plain(self._network) if self.quantization_aware else self._network
        return bytes(self._exported(network, output).convert())

    def _exported(self, network: Any, output: str) -> Any:
        from converters.graph import Exported

        values = [variable.value for variable in network.variables]  # tf.Module cannot see Keras' own

        def scores(image: Any) -> Any:
            return network(image, training=False)

        return Exported(scores, values, network.input_shape[1:], output).converter()


def open(path: Path, input_range: tuple[float, float] | None) -> KerasSource:
    """See `converters.sources.Kind`."""
    return KerasSource(best_model(path), input_range)
