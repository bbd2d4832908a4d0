"""A network with the ending that a device needs, as a TensorFlow graph of static shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from converters.calibration import INPUT

LABELS, LOGITS = "labels", "logits"


class Exported(tf.Module):  # type: ignore[misc]
    """Holds what the network needs: a graph made of a bare function would lose its variables."""

    def __init__(self, network: Callable[[Any], Any], kept: Any, shape: tuple[int, int, int], output: str) -> None:
        """`network` takes pixels (1, *shape) float32 in [0, 255] and gives scores (1, h, w, classes)."""
        super().__init__(name="edgeseg")
        self._network, self._kept, self._output = network, kept, output
        self._size = shape[:2]
        spec = tf.TensorSpec((1, *shape), tf.float32, name=INPUT)
        self.function = tf.function(self._call, input_signature=[spec])

    def _call(self, image: Any) -> dict[str, Any]:
        logits = self._network(image)
        if self._output == "logits":
            return {LOGITS: tf.identity(logits, name=LOGITS)}
        full = tf.image.resize(logits, self._size, method="bilinear")
        if self._output == "scores":
            return {LOGITS: tf.identity(full, name=LOGITS)}
        ids = tf.argmax(full, axis=-1, output_type=tf.int32)
        return {LABELS: tf.cast(ids, tf.uint8, name=LABELS)}

    def converter(self) -> Any:
        """A TFLiteConverter for this graph, with no option set."""
        return tf.lite.TFLiteConverter.from_concrete_functions([self.function.get_concrete_function()], self)
