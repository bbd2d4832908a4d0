"""Batch norm in one operator of TensorFlow, where Keras composes a dozen: nearly half of a training step on a CPU.

Only the network that is trained gets it; what is saved holds Keras' own layers, so that a
model file depends on nothing of ours. On JAX, whose compiler fuses, and on PyTorch nothing changes.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras, layers, ops

Tensor = Any


def with_fused_norms(network: Any) -> Any:
    """The same network, its weights included, with the operator; `network` itself on another backend."""
    if keras.backend.backend() != "tensorflow":
        return network
    twin = keras.models.clone_model(network, clone_function=_fused)
    twin.set_weights(network.get_weights())
    return twin


def _fused(layer: Any) -> Any:
    kind = FusedBatchNormalization if type(layer) is layers.BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Keras' layer of channels last, computed by FusedBatchNormV3 in training."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """As Keras does, for the plain kind of its layer alone."""
        assert self.axis == -1
        assert self.scale
        assert self.center
        assert not self.renorm
        assert not self.synchronized
        super().build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """(N, h, w, C) to the same, by the batch's own statistics in training, which move the layer's."""
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # already there: it is the backend

        normalized = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.cast(self.gamma, "float32"),
            offset=ops.cast(self.beta, "float32"),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        pixels = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        biased = normalized.batch_variance * (pixels - 1) / pixels  # as Keras counts
        for moving, seen in ((self.moving_mean, normalized.batch_mean), (self.moving_variance, biased)):
            moving.assign(moving * self.momentum + ops.cast(seen, moving.dtype) * (1 - self.momentum))
        return normalized.y
