"""Packages that were made before, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edgeseg.errors import EdgesegError, OutputError
from edgeseg.files import sha256_of

FORMAT = 1
ARCHIVE = "packages.tar.gz"
RECORD = "packages.json"
BEGUN = ".begun-"
KEPT = 6
"""Entries; one takes about 60 MB."""
ABANDONED_S = 86_400
"""After this a build that was begun is held to have been killed."""


@dataclass(frozen=True)
class Packages:
    """An archive of a complete site-packages folder."""

    id: str
    """Hex digits that stand for its files."""
    archive: Path
    """A .tar.gz in the cache: copy it, do not move it."""
    python: str
    """Such as '3.13'."""
    machine: str
    """As `uname -m` says it."""
    versions: dict[str, str]
    """By distribution; edgeseg is one."""
    size: int
    """Bytes of the archive."""
    unpacked_size: int
    """Bytes of the files in it."""
    sha256: str
    """Of the archive."""


def folder() -> Path:
    """Where packages are kept for this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeseg" / "packages"


def load(entry: Path) -> Packages | None:
    """What was kept as `entry`; None where that is nothing, or no longer what it was."""
    try:
        record = json.loads((entry / RECORD).read_text())
        if record.pop("format") != FORMAT:
            return None
        found = Packages(archive=entry / ARCHIVE, **record)
        if sha256_of(found.archive) != found.sha256:
            return None
        os.utime(entry)  # for `prune`
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found


@contextmanager
def begun(entry: Path) -> Iterator[Path]:
    """A folder to work in; it goes, whatever happens. Raises OutputError where the disk does not take it."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=BEGUN, dir=entry.parent) as work:
            yield Path(work)
    except OSError as error:
        if isinstance(error, EdgesegError):
            raise
        why = error.strerror or error
        raise OutputError(
            f"{entry.parent}: cannot be written ({why}); free some space or set XDG_CACHE_HOME"
        ) from error


def keep(made: Packages, work: Path, entry: Path) -> Packages:
    """Give what was made in `work` the name `entry`; gives that of another process where it was faster."""
    record = {name: value for name, value in asdict(made).items() if name != "archive"}
    (work / RECORD).write_text(json.dumps({"format": FORMAT, **record}, indent=2))
    whole = work / entry.name
    whole.mkdir()
    made.archive.rename(whole / ARCHIVE)
    (work / RECORD).rename(whole / RECORD)
    try:
        whole.rename(entry)  # refuses where another process was faster
    except OSError:
        found = load(entry)
        if found:
            return found
        shutil.rmtree(entry, ignore_errors=True)  # damaged
        whole.rename(entry)
    return replace(made, archive=entry / ARCHIVE)


def prune(place: Path) -> None:
    """Remove all but the entries that were used last, and what killed builds left."""
    entries = sorted((path for path in place.iterdir() if path.is_dir()), key=_used, reverse=True)
    old = [path for path in entries if not path.name.startswith(BEGUN)][KEPT:]
    old += [path for path in entries if path.name.startswith(BEGUN) and _used(path) < time.time() - ABANDONED_S]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process pruned it
        return 0.0
