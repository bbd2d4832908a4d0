"""Old releases go, and what only they used."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeseg.board.layout import PACKAGES, Layout
from edgeseg.board.releases import ID, current, listing, locked, on_trial, previous

KEPT = 3
STALE_S = 24 * 3600
"""An upload that nobody goes on with, and packages that got no release."""
TEMPORARY = "gone-"


def prune(layout: Layout) -> dict[str, Any]:
    """Keep three releases, the current one and the one before among them; gives what is kept and what went."""
    with locked(layout):
        found = listing(layout)
        wanted = [each for each in (current(layout), previous(layout), on_trial(layout)) if each]
        kept = list(dict.fromkeys([*wanted, *(each.release for each in found)]))[: max(KEPT, len(set(wanted)))]
        packages = _linked(layout, kept) | _coming(layout)
        releases = _leave_only(layout, layout.releases, set(kept))
        gone = _leave_only(layout, layout.packages, packages)
        _empty_cache(layout, {each.bundle for each in found if each.release in kept})
        _tidy(layout.uploads)
        return {"kept": kept, "removed": releases, "packages": gone}


def _linked(layout: Layout, releases: Iterable[str]) -> set[str]:
    """What they run on, told by their links: also of one whose record cannot be read."""
    found = set()
    for release in releases:
        with suppress(OSError):
            found.add((layout.releases / release / PACKAGES).readlink().name)
    return found


def _coming(layout: Layout) -> set[str]:
    """Packages that were brought not long ago, and have no release yet."""
    used = _linked(layout, (path.name for path in layout.releases.glob("*")))
    young = (path.name for path in layout.packages.glob("*") if time.time() - path.stat().st_mtime < STALE_S)
    return set(young) - used


def _leave_only(layout: Layout, folder: Path, names: set[str]) -> list[str]:
    """Each loses its name first: nothing is ever there half."""
    gone = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if ID.fullmatch(path.name) and path.name not in names:
            layout.uploads.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=layout.uploads))
            path.rename(place / path.name)
            shutil.rmtree(place, ignore_errors=True)
            gone.append(path.name)
    return gone


def _empty_cache(layout: Layout, bundles: set[str]) -> None:
    """The service may write there, so a link in it is not followed."""
    folder = layout.cache
    inside = folder.parents[1].resolve() / folder.parent.name / folder.name
    if folder.is_dir() and folder.resolve() == inside:
        for path in inside.glob("*"):
            if path.name not in bundles and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def _tidy(uploads: Path) -> None:
    for path in uploads.glob("*") if uploads.is_dir() else ():
        if path.name.startswith(TEMPORARY) or time.time() - path.lstat().st_mtime > STALE_S:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
