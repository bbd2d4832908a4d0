"""The files that edgeseg itself brings onto a card."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from edgeseg.bundle.archive import Bundle
from edgeseg.customise.settings import Settings
from edgeseg.customise.system import System
from edgeseg.errors import DataError, ModelError, UsageError
from edgeseg.packages.extras import needed

if TYPE_CHECKING:
    from edgeseg.packages.archive import Item

FOLDER = "edgeseg"
CARD = f"{FOLDER}/card.json"
REPORT = f"{FOLDER}/first-boot.json"
ENVIRONMENT = f"{FOLDER}/env"
PACKAGES = f"{FOLDER}/packages.tar.gz"
BUNDLE = f"{FOLDER}/bundle.edgeseg"
FIRST_BOOT = f"{FOLDER}/first_boot.py"


@dataclass(frozen=True)
class Given:
    """The user's own files, read once and proven."""

    bundle: bytes = field(repr=False)
    release: str
    """The bundle's."""
    live: tuple[str, ...]
    """Options in the bundle."""
    packages: bytes | None = field(repr=False)
    """A prepared archive."""
    items: tuple[Item, ...] = field(repr=False)
    """What is in it."""


def read_given(settings: Settings) -> Given:
    """Raises ModelError for a damaged bundle and one that the board's keys would refuse, DataError for packages."""
    if settings.bundle.is_dir():
        raise UsageError(f"{settings.bundle}: is a folder; give the .edgeseg file")
    bundle = Bundle.open(settings.bundle)
    bundle.verify()
    if settings.keys:
        _signed(bundle, settings.keys)
    items = prepared(settings.packages) if settings.packages else ()
    packages = settings.packages.read_bytes() if settings.packages else None
    return Given(settings.bundle.read_bytes(), bundle.release, bundle.manifest.live, packages, items)


def _signed(bundle: Bundle, keys: tuple[Path, ...]) -> None:
    """Every key is looked at, so that none goes onto a card that is no public key."""
    problems = []
    for key in keys:
        try:
            bundle.require_signature(key)
        except ModelError as error:
            problems.append(error)
    if len(problems) == len(keys):
        raise problems[0]


def card_keys(settings: Settings) -> dict[str, bytes]:
    """Public keys by their place on the card."""
    found = [key.read_bytes() for key in settings.keys]
    return {f"{FOLDER}/keys/{hashlib.sha256(data).hexdigest()[:16]}.pub.pem": data for data in found}


def extras(settings: Settings, live: tuple[str, ...]) -> tuple[str, ...]:
    """Of edgeseg, that a board needs for these options."""
    return needed((option.removeprefix("--out=") for option in live), signed=bool(settings.keys))


def card_packages(settings: Settings, given: Given, system: System, say: Callable[[str], None]) -> tuple[bytes, str]:
    """The archive's bytes and the id of what is in it, of `--packages` or made for the image's Python."""
    if given.packages is not None:
        return given.packages, _prepared_id(settings, given, system)
    from edgeseg.packages.build import build
    from edgeseg.packages.target import Target

    made = build(Target(system.machine, system.python), say, extras(settings, (*given.live, *settings.live)))
    return made.archive.read_bytes(), made.id


def prepared(path: Path) -> tuple[Item, ...]:
    """What is in a prepared archive; raises DataError for none."""
    from edgeseg.packages.archive import Item

    items = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    raise DataError(f"{path}: holds more than files ({member.name}); let edgeseg make it")
                items.append(Item(member.name, member.mode, content.read()))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path}: is no .tar.gz that can be read ({error}); let edgeseg make it") from error
    if not any(item.name == "edgeseg/__init__.py" for item in items):
        raise DataError(f"{path}: has no edgeseg in it; let edgeseg make it")
    return tuple(items)


def _prepared_id(settings: Settings, given: Given, system: System) -> str:
    """Raises DataError for an archive of another Python or machine."""
    from edgeseg.packages.archive import identify

    wanted = f"cpython-{system.python[0]}{system.python[1]}-{system.machine}"
    for item in given.items:
        if (found := re.search(r"\.(cpython-\w+-\w+?)-linux", item.name)) and found[1] != wanted:
            raise DataError(
                f"{settings.packages}: is made for {found[1]}, and the image has {wanted}; let edgeseg make it"
            )
    return identify(sorted(given.items, key=lambda item: item.name))


def first_boot_program() -> bytes:
    """What the board runs, from where this edgeseg is installed."""
    return resources.files("edgeseg.board").joinpath("first_boot.py").read_bytes()
