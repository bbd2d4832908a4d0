"""The schemes: a module each, listed in `SCHEMES`."""

from __future__ import annotations

from typing import Protocol

from converters.material import Converted, Material
from converters.schemes import dynamic, float16, float32, int8, int16x8, mixed, qat
from edgeseg.errors import UsageError


class Scheme(Protocol):
    """What a module in `SCHEMES` offers."""

    NAME: str
    CALIBRATES: bool
    """Takes ranges from calibration frames."""
    MAX_DROP: float
    """Points of mIoU that it may cost unless told otherwise."""

    def convert(self, material: Material) -> Converted:
        """Make the .tflite; raises ConversionError where this scheme cannot."""

    def prove(self, data: bytes) -> None:
        """Raise ConversionError, which names the operator, where the file is not what the scheme promises."""


SCHEMES: tuple[Scheme, ...] = (float32, float16, dynamic, int8, int16x8, mixed, qat)


def scheme(name: str) -> Scheme:
    """Look a scheme up; raises UsageError that lists the known ones."""
    for found in SCHEMES:
        if name == found.NAME:
            return found
    raise UsageError(f"no scheme is called '{name}'; known schemes are {', '.join(each.NAME for each in SCHEMES)}")
