"""int16x8: weights in 8 bits, activations in 16, for networks that int8 hurts and boards without float.

Nearly float32's accuracy; LiteRT's kernels for it are plain loops, many times slower than int8's.
"""

from __future__ import annotations

from converters import proof
from converters.material import Converted, Material

NAME = "int16x8"
CALIBRATES = True
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    converter = material.converter(NAME)
    import tensorflow as tf  # here, so that the list of schemes can be read without it

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = material.frames
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,  # ARG_MAX has no 16-bit kernel
    ]
    return Converted(bytes(converter.convert()))


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    proof.weights_in(data, "int8")
    proof.computes_in(data, "int16")
