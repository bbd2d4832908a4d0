"""Old releases go, and what only they used."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from edgeseg.board.layout import Layout
from edgeseg.board.releases import ID, current, listing, locked, on_trial, previous

KEPT = 3
STALE_S = 24 * 3600
"""An upload that nobody goes on with."""
TEMPORARY = "gone-"


def prune(layout: Layout) -> dict[str, Any]:
    """Keep three releases, the current one and the one before among them; gives what is kept and what went."""
    with locked(layout):
        found = listing(layout)
        wanted = [each for each in (current(layout), previous(layout), on_trial(layout)) if each]
        kept = list(dict.fromkeys([*wanted, *(each.release for each in found)]))[: max(KEPT, len(set(wanted)))]
        stay = [each for each in found if each.release in kept]
        releases = _leave_only(layout, layout.releases, set(kept))
        packages = _leave_only(layout, layout.packages, {each.packages for each in stay})
        _empty_cache(layout, {each.bundle for each in stay})
        _tidy(layout.uploads)
        return {"kept": kept, "removed": releases, "packages": packages}


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
