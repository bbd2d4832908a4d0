"""edgeseg itself, as it runs here: its files, and what it requires."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import edgeseg
from edgeseg.errors import UsageError
from edgeseg.packages.errors import PackagesError
from edgeseg.version import __version__

LICENSE = "LICENSE"
PYTHONS = ">=3.11"
LEFT_OUT = frozenset({".pyc", ".keras", ".md"})
"""A board does not train, and nobody reads there."""


@dataclass(frozen=True)
class Own:
    """A copy that no later change in the tree can reach."""

    files: dict[str, bytes]
    """By their name in a site-packages folder: the package `edgeseg` and its dist-info, without `converters`."""
    requirements: tuple[str, ...]
    """Those of edgeseg and of the extras that were asked for."""

    @property
    def digest(self) -> str:
        """Hex; of all files."""
        total = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            total.update(f"{name}\0{len(data)}\0".encode() + data)
        return total.hexdigest()


def read(extras: tuple[str, ...] = ()) -> Own:
    """The running edgeseg, installed or in a tree that is worked on; raises UsageError for an unknown extra.

    The dist-info is made, not copied: that of an editable installation is as old as the
    installation, and says where on this machine the tree lies.
    """
    package = Path(edgeseg.__file__).parent
    files = {
        f"edgeseg/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and _belongs(path.relative_to(package))
    }
    base, by_extra, licence = _project(package.parent) or _installed()
    unknown = sorted(set(extras) - set(by_extra))
    if unknown:
        raise UsageError(f"edgeseg has no extra '{unknown[0]}'; known ones are {', '.join(sorted(by_extra))}")
    wanted = [*base, *(each for extra in sorted(set(extras)) for each in by_extra[extra])]
    info = f"edgeseg-{__version__}.dist-info"
    lines = ["Metadata-Version: 2.1", "Name: edgeseg", f"Version: {__version__}", f"Requires-Python: {PYTHONS}"]
    lines += [f"Requires-Dist: {each}" for each in wanted]
    files[f"{info}/METADATA"] = "\n".join([*lines, ""]).encode()
    files[f"{info}/licenses/{LICENSE}"] = licence
    return Own(files, tuple(wanted))


def _belongs(inside: Path) -> bool:
    return inside.suffix not in LEFT_OUT and not any(
        part == "__pycache__" or part.startswith(".") for part in inside.parts
    )


Requirements = tuple[list[str], dict[str, list[str]], bytes]
"""Always, by extra, and the licence."""


def _project(root: Path) -> Requirements | None:
    """Of a tree that is worked on; None where there is none around the package."""
    import tomllib

    try:
        project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
        licence = (root / LICENSE).read_bytes()
    except (OSError, KeyError):
        return None
    except ValueError as error:
        raise PackagesError(f"{root / 'pyproject.toml'}: cannot be read ({error}); mend it") from error
    if project.get("name") != "edgeseg":
        return None
    return project["dependencies"], project["optional-dependencies"], licence


def _installed() -> Requirements:
    try:
        found = metadata.distribution("edgeseg")
    except metadata.PackageNotFoundError as error:
        raise PackagesError("edgeseg does not know what it requires; install it with  pip install edgeseg") from error
    base: list[str] = []
    by_extra: dict[str, list[str]] = {name: [] for name in found.metadata.get_all("Provides-Extra") or []}
    for each in found.requires or []:
        match = re.fullmatch(r"(.*?)(?:;| and) *extra == ['\"]([\w-]+)['\"]", each)
        (by_extra[match[2]] if match else base).append(match[1].strip() if match else each)
    return base, by_extra, (found.read_text(f"licenses/{LICENSE}") or "").encode()
