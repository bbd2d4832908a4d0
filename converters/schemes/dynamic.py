"""dynamic: weights in 8 bits, activations measured and quantized at each inference; no calibration."""

from __future__ import annotations

from converters import litert, proof
from converters.material import Converted, Material

NAME = "dynamic"
CALIBRATES = False
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    return Converted(litert.quantize(material.float_model, None, "dynamic"))


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    proof.weights_in(data, "int8")
    proof.computes_in(data, "float32")
