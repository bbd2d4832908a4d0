"""A file as the target of an image, on every system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgeseg.errors import OutputError
from edgeseg.flash.target import READ

HOLE = 64 << 10
"""Zeros of this length, in bytes, become a hole."""
_ZEROS = bytes(HOLE)


class SparseFile:
    """A fresh file of a fixed size in which stretches of zeros take no room."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        """`file` is empty and unbuffered; messages call it `name`."""
        self._file, self.name, self.size = file, name, size
        self._buffer = bytearray(READ)
        try:
            file.truncate(size)
        except OSError as error:
            raise self._error(error) from error

    def write(self, offset: int, data: memoryview) -> None:
        """Leaves zeros out, since the file reads as zeros anyway."""
        data = data[: self.size - offset]
        try:
            for start in range(0, len(data), HOLE):
                part = data[start : start + HOLE]
                if bytes(part) != _ZEROS[: len(part)]:
                    self._file.seek(offset + start)
                    self._write_all(part)
        except OSError as error:
            raise self._error(error) from error

    def _write_all(self, data: memoryview) -> None:
        while data:
            data = data[self._file.write(data) :]

    def read(self, offset: int, length: int) -> memoryview:
        """Raises OutputError where the file has become shorter."""
        view = memoryview(self._buffer)[:length]
        self._file.seek(offset)
        done = 0
        while done < length:
            step = self._file.readinto(view[done:])  # type: ignore[attr-defined]  # BinaryIO lacks it
            if not step:
                raise OutputError(f"{self.name}: was cut short by another program; write it again")
            done += step
        return view

    def flush(self) -> None:
        """Store everything, and have the cache forget it where the system can be asked to."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._error(error) from error
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"{self.name}: cannot be written ({error.strerror}); free some space")


@contextmanager
def open_file(path: Path, name: str, size: int) -> Iterator[SparseFile]:
    """Open `path` as a fresh file of `size` bytes."""
    with path.open("wb+", buffering=0) as file:
        yield SparseFile(file, name, size)
