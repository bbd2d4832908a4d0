"""qat: int8 with the ranges that a quantization-aware training learned; needs no calibration.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018), section 3.
"""

from __future__ import annotations

from converters.material import Converted, Material
from converters.schemes import int8
from edgeseg.errors import ConversionError

NAME = "qat"
CALIBRATES = False
MAX_DROP = 1.0


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`; raises ConversionError for a network that carries no ranges."""
    if not material.source.quantization_aware:
        raise ConversionError(
            f"{material.source.name}: carries no ranges; train it with  edgeseg train DATA -o RUN2 --qat --weights RUN"
        )
    # Kernels are rounded in the graph, and ranges stand in its fake quantization: nothing is left to choose.
    return Converted(int8.integer_only(material.converter(NAME), material))


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`."""
    int8.prove(data)
