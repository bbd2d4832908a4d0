"""int8: every weight and activation in 8 bits, weights per channel, integer ends.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.job import Job

NAME = "int8"
INTEGER = True


def convert(exported: Any, job: Job, frames: Callable[[], Any]) -> bytes:
    """See `converters.schemes.Scheme`."""
    import tensorflow as tf  # here, so that the list of schemes can be read without it

    converter = exported.converter()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = frames
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = getattr(tf, job.input)
    if job.output == "logits":
        converter.inference_output_type = tf.int8
    # A dense kernel per channel is read as garbage by older runtimes, without an error.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(converter.convert())
