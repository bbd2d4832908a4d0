"""float32: the network as it was trained, for checking what the others cost."""

from __future__ import annotations

from converters import proof
from converters.material import Converted, Material

NAME = "float32"
CALIBRATES = False
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    return Converted(material.float_model)


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    proof.weights_in(data, "float32")
