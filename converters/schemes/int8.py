"""int8: every weight and activation in 8 bits, weights per channel, integer ends.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018).
"""

from __future__ import annotations

from typing import Any

from converters import litert, proof
from converters.material import Converted, Material
from converters.tflite.integer_ends import integer_ends

NAME = "int8"
CALIBRATES = True
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    converter = material.source.converter(material.output)
    if converter is None:
        quantized = litert.quantize(material.float_model, material.ranges, "int8")
        return Converted(integer_ends(quantized, material.options.input))
    import tensorflow as tf  # here, so that the list of schemes can be read without it

    converter.representative_dataset = material.frames
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return Converted(integer_only(converter, material))


def integer_only(converter: Any, material: Material) -> bytes:
    """Convert with integer ends; what the ranges come from is the caller's affair."""
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = getattr(tf, material.options.input)
    if material.output != "labels":
        converter.inference_output_type = tf.int8
    # A dense kernel per channel is read as garbage by older runtimes, without an error.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(converter.convert())


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    proof.all_integer(data)
