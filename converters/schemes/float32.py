"""float32: the network as it was trained, for checking what the others cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converters.job import Job

NAME = "float32"
INTEGER = False


def convert(exported: Any, job: Job, frames: Callable[[], Any]) -> bytes:
    """See `converters.schemes.Scheme`."""
    return bytes(exported.converter().convert())
