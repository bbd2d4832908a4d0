"""The schemes: a module each, listed in `SCHEMES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from converters.job import Job
from converters.schemes import float32, int8
from edgeseg.errors import UsageError


class Scheme(Protocol):
    """What a module in `SCHEMES` offers."""

    NAME: str
    INTEGER: bool
    """Every operator must work on integers; also: needs calibration frames."""

    def convert(self, exported: Any, job: Job, frames: Callable[[], Any]) -> bytes:
        """Turn a `converters.graph.Exported` into a .tflite; `frames()` starts the calibration stream."""


SCHEMES: tuple[Scheme, ...] = (float32, int8)


def scheme(name: str) -> Scheme:
    """Look a scheme up; raises UsageError that lists the known ones."""
    for found in SCHEMES:
        if name == found.NAME:
            return found
    raise UsageError(f"no scheme is called '{name}'; known schemes are {', '.join(each.NAME for each in SCHEMES)}")
