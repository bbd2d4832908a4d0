"""Changes that are whole or not there, also after the power went: all is on the disk before a name changes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgeseg.files import sync_folder


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that nobody ever sees half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            os.fchmod(handle, mode)
            file.write(text)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    sync_folder(path.parent)


def point(link: Path, target: str) -> None:
    """Have the symbolic link `link` lead to `target`, which is relative to it."""
    _rename(link, lambda temporary: temporary.symlink_to(target))


def alias(name: Path, file: Path) -> None:
    """Have `name` lead to `file` as well, in the place of what it led to."""
    _rename(name, lambda temporary: temporary.hardlink_to(file))


def _rename(name: Path, make: Callable[[Path], None]) -> None:
    temporary = name.with_name(f".{name.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    make(temporary)
    temporary.replace(name)
    temporary.unlink(missing_ok=True)  # a rename between two names of one file does nothing
    sync_folder(name.parent)


def reveal(folder: Path, final: Path) -> None:
    """Give a folder that is written out its name; on the disk is all of it before that, and then the name."""
    os.sync()
    folder.rename(final)
    sync_folder(final.parent)
