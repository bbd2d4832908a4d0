"""float16: weights in half precision, for half the size; computed in float32, or in float16 on a GPU."""

from __future__ import annotations

from converters import litert, proof
from converters.material import Converted, Material

NAME = "float16"
CALIBRATES = False
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    return Converted(litert.quantize(material.float_model, None, "float16"))


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    proof.weights_in(data, "float16")
