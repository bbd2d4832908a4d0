"""Writing a file so that it is either whole under its name or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeseg.errors import OutputError


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; on success it takes the name, else it goes.

    A caller that removes the temporary file gives up, and what was under the name stays.

    The suffix is kept, since cv2 and Keras choose the format by it. Without `durable` the
    file may be lost to a power cut, and an SD card is spared a flush. Raises OutputError
    where the folder cannot be made or written, before any work is done.
    """
    import tempfile  # here, since it takes memory and time that a loop which writes nothing can spare

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    os.close(handle)
    temporary = Path(name)
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; give the name of a file")
        yield temporary
        if not temporary.exists():
            return
        if durable:
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_bytes(path: Path, data: bytes, durable: bool = True) -> None:
    """Write `data` under `path` as a whole; raises OutputError where the disk does not take it."""
    with replacing(path, durable) as temporary:
        try:
            temporary.write_bytes(data)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}); free some space") from error


def json_bytes(data: Any) -> bytes:
    """`data` as indented UTF-8 JSON."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, data: Any) -> None:
    """Write `data` as indented UTF-8 JSON, as a whole."""
    write_bytes(path, json_bytes(data))


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hex."""
    import hashlib  # here, for the same reason

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
