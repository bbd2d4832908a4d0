"""From a target to an archive for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from edgeseg.files import sha256_of
from edgeseg.packages import archive, cache, own
from edgeseg.packages.cache import Packages
from edgeseg.packages.resolve import resolve
from edgeseg.packages.target import Target
from edgeseg.version import __version__

KEY_LENGTH = 16
"""Hex digits."""


def build(
    target: Target,
    report: Callable[[str], None] = lambda _: None,
    extras: tuple[str, ...] = (),
    place: Path | None = None,
) -> Packages:
    """One archive of edgeseg, `extras` of it, and all that these need on `target`.

    The first time takes the network and half a minute, the next time neither: it is then in
    the folder `place`, the user's cache unless another is given. `report` gets a line at each
    step. Raises UsageError for an unknown extra, PackagesError for what cannot be had,
    OutputError where the disk does not take it. Any number of processes may build at a time.
    """
    itself = own.read(extras)
    place = place or cache.folder()
    entry = place / _key(target, itself)
    found = cache.load(entry)
    if found:
        return found
    with cache.begun(entry) as work:
        report(f"fetching what edgeseg needs for {target}")
        libraries = work / "libraries"
        libraries.mkdir()
        resolve(target, itself.requirements, libraries)
        report(f"packing it for {target}")
        made = _pack(target, libraries, itself, work / cache.ARCHIVE)
        kept = cache.keep(made, work, entry)
        cache.prune(place)
    return kept


def _pack(target: Target, libraries: Path, itself: own.Own, path: Path) -> Packages:
    items = archive.gather(libraries, itself.files)
    archive.write(path, items)
    versions = {each.name: each.version for each in metadata.distributions(path=[str(libraries)])}
    return Packages(
        id=archive.identify(items),
        archive=path,
        python=target.python_text,
        machine=target.machine,
        versions=dict(sorted((versions | {"edgeseg": __version__}).items())),
        size=path.stat().st_size,
        unpacked_size=sum(item.size for item in items),
        sha256=sha256_of(path),
    )


def _key(target: Target, itself: own.Own) -> str:
    what = [cache.FORMAT, target.platform, target.python, itself.requirements, target.constraints, itself.digest]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:KEY_LENGTH]
