"""Learning from a larger network's scores beside the labels.

Hinton et al., "Distilling the Knowledge in a Neural Network" (2015): for every pixel of the
scores, the divergence of the student's softened distribution from the teacher's.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras, layers, ops
from edgeseg.training.losses import Loss, Tensor


def beside(student: Any, teacher: Any) -> Any:
    """A network that gives the student's scores and, after them, the teacher's: (batch, h, w, 2 C).

    The teacher sees the same images at its own size; only the student is trained, and only
    its statistics move.
    """
    teacher.trainable = False
    taught = teacher(_resized(student.input, teacher.input), training=False)
    both = layers.Concatenate(name="both", dtype="float32")([student.output, _resized(taught, student.output)])
    return keras.Model(student.input, both)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    size = like.shape[1:3]
    if x.shape[1:3] == size:
        return x
    return ops.image.resize(x, size, interpolation="bilinear", data_format="channels_last")


def distilled(loss: Loss, weight: float, temperature: float) -> Loss:
    """`loss` of the student's scores, plus `weight` times the divergence, as `beside` gives both."""

    def both_losses(labels: Tensor, scores: Tensor) -> Tensor:
        learned, taught = ops.split(ops.cast(scores, "float32"), 2, axis=-1)
        wanted = ops.log_softmax(taught / temperature, axis=-1)
        given = ops.log_softmax(learned / temperature, axis=-1)
        divergence = ops.mean(ops.sum(ops.exp(wanted) * (wanted - given), axis=-1))
        return loss(labels, learned) + weight * temperature**2 * divergence

    return both_losses
