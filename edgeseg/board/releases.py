"""The releases on a board: which there are, which runs, which ran before."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeseg.board.layout import BEFORE, RECORD, Layout
from edgeseg.errors import ModelError, OutputError, UsageError

FORMAT = 1
ID = re.compile(r"[0-9a-f]{16}")
"""Of a release, of a bundle, of packages."""


@dataclass(frozen=True)
class Release:
    """A bundle with the packages that run it."""

    release: str
    bundle: str
    """The bundle's own release."""
    name: str
    packages: str
    """Their id."""
    installed_at: int
    """Unix time in seconds, by the board's clock."""

    def to_json(self) -> str:
        """What `release.json` holds."""
        return json.dumps({"format": FORMAT} | asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Release:
        """Raises ModelError for what was installed by a newer edgeseg, or is damaged."""
        try:
            found: dict[str, Any] = json.loads((folder / RECORD).read_text())
            if found["format"] > FORMAT:
                raise ModelError(f"{folder.name} was installed by a newer edgeseg; deploy with that one")
            return cls(**{name: found[name] for name in cls.__dataclass_fields__})
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"the release {folder.name} is damaged ({error}); install it again") from error


def release_id(bundle: str, packages: str) -> str:
    """Names the two together: 16 hex digits."""
    return hashlib.sha256(f"{bundle}\n{packages}".encode()).hexdigest()[:16]


def listing(layout: Layout) -> list[Release]:
    """Those that are whole, the newest first."""
    found = []
    for folder in layout.releases.glob("*") if layout.releases.is_dir() else ():
        if ID.fullmatch(folder.name):
            with suppress(ModelError):
                found.append(Release.read(folder))
    return sorted(found, key=lambda each: (each.installed_at, each.release), reverse=True)


def require(layout: Layout, release: str) -> Release:
    """Raises UsageError for one that is not installed."""
    if not ID.fullmatch(release) or not (layout.releases / release).is_dir():
        raise UsageError(f"no release is called '{ascii(release)[1:-1]}'; see  python3 -m edgeseg.board status")
    return Release.read(layout.releases / release)


def current(layout: Layout) -> str | None:
    """The release that runs after a start; None where there is none."""
    return _linked(layout, layout.current)


def previous(layout: Layout) -> str | None:
    """The one before the current one, where it is still there.

    It stands in the current release itself, so that one rename changes both.
    """
    now = current(layout)
    before = _linked(layout, layout.releases / now / BEFORE) if now else None
    return None if before == now else before


def on_trial(layout: Layout) -> str | None:
    """The release that a switch points the service at and has not decided on."""
    try:
        named = re.search(rf"{re.escape(str(layout.releases))}/([0-9a-f]{{16}})", layout.trial.read_text())
    except OSError:
        return None
    return named[1] if named else None


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Only one command at a time changes a board; raises OutputError for the second."""
    import fcntl  # here, since hosts read this file too, and may have none

    layout.lock.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError("another command changes this board just now; try again when it is done") from error
        yield
    finally:
        os.close(handle)


def _linked(layout: Layout, link: Path) -> str | None:
    try:
        name = link.readlink().name
    except OSError:
        return None
    return name if ID.fullmatch(name) and (layout.releases / name / RECORD).is_file() else None
