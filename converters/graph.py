"""A Keras network with the ending that a device needs, as a TensorFlow graph of static shape."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

INPUT, LABELS, LOGITS = "image", "labels", "logits"


class Exported(tf.Module):  # type: ignore[misc]
    """Holds the network's variables: a graph made of a bare function would lose them."""

    def __init__(self, network: Any, output: str) -> None:
        super().__init__(name="edgeseg")
        self._network = network
        self._variables = [variable.value for variable in network.variables]  # tf.Module cannot see Keras' own
        self._output = output
        _, height, width, channels = network.input_shape
        self._size = (height, width)
        spec = tf.TensorSpec((1, height, width, channels), tf.float32, name=INPUT)
        self.function = tf.function(self._call, input_signature=[spec])

    def _call(self, image: Any) -> dict[str, Any]:
        logits = self._network(image, training=False)
        if self._output == "logits":
            return {LOGITS: tf.identity(logits, name=LOGITS)}
        full = tf.image.resize(logits, self._size, method="bilinear")
        ids = tf.argmax(full, axis=-1, output_type=tf.int32)
        return {LABELS: tf.cast(ids, tf.uint8, name=LABELS)}

    def converter(self) -> Any:
        """A TFLiteConverter for this graph, with no option set."""
        return tf.lite.TFLiteConverter.from_concrete_functions([self.function.get_concrete_function()], self)
