"""A file that grows by whole pieces."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from edgeseg.errors import OutputError


class Appended:
    """An open file at whose end pieces are put; one that the disk does not take whole is not there at all."""

    def __init__(self, path: Path, name: str, new: bool = False) -> None:
        """Errors begin with `name`. With `new` the file must not be there yet. Raises OutputError."""
        self.path, self._name = path, name
        if path.is_dir():
            raise OutputError(f"{name}: is a folder; give the name of a file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb" if new else "ab", buffering=0)
        except OSError as error:
            cure = "does another program write there?" if new and path.exists() else "choose another place"
            raise OutputError(f"{name}: cannot be written ({error.strerror}); {cure}") from error
        self.size = os.fstat(self._file.fileno()).st_size

    def write(self, piece: bytes) -> None:
        """Raises OutputError where it does not fit."""
        try:
            whole = self._file.write(piece) == len(piece)  # a disk that fills takes a part without complaint
            failure = "" if whole else "No space left on device"
        except OSError as error:
            failure = error.strerror or str(error)
        if failure:
            with suppress(OSError):  # a pipe cannot be cut
                self._file.truncate(self.size)
            raise OutputError(f"{self._name}: cannot be written ({failure}); free some space")
        self.size += len(piece)

    def close(self, durable: bool = False) -> None:
        """Close it, `durable` once the disk has it; may be called twice. Raises OutputError where the disk fails."""
        if self._file.closed:
            return
        with self._file as file:
            try:
                if durable:
                    os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(f"{self._name}: cannot be written ({error.strerror}); check the disk") from error
