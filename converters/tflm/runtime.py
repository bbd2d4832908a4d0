"""The interpreter of microcontrollers on this machine: the only module that imports tflite-micro."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from typing import Any

from edgeseg.errors import MissingExtraError


def require() -> None:
    """Raise MissingExtraError where tflite-micro is not installed; loads nothing."""
    if importlib.util.find_spec("tflite_micro") is None:
        raise MissingExtraError("tflite-micro (Linux on x86-64 only)", "tflm")


def interpreter(data: bytes, arena_bytes: int) -> Any:
    """A `tflite_micro.runtime.Interpreter` with its tensors allocated.

    It trusts `data` blindly: bytes that nobody has tried yet belong into a process of their
    own (`converters.tflm.check`). Raises RuntimeError where it refuses the model or the arena;
    what it says of it goes to file descriptor 2.
    """
    from tflite_micro import runtime

    return runtime.Interpreter.from_bytes(data, arena_size=arena_bytes)


def flatbuffer(data: bytes) -> bytes:
    """The model alone, without the zip archive that TFLite Metadata or edgeseg appended to it.

    The archive's directory says where its first member starts; an interpreter reads nothing
    from there on, and a microcontroller has no room for it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return data[: min((member.header_offset for member in archive.infolist()), default=len(data))]
    except (zipfile.BadZipFile, ValueError):
        return data
