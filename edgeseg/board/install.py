"""A bundle that was brought to the board becomes a release, once it has proven itself here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgeseg.board.durable import put, reveal
from edgeseg.board.layout import BUNDLE, ENV, KEY_SUFFIX, PACKAGES, RECORD, Layout
from edgeseg.board.releases import ID, Release, locked, release_id
from edgeseg.bundle.archive import Bundle
from edgeseg.errors import GateError, ModelError, OutputError, UsageError
from edgeseg.printable import printable

SELFTEST_LIMIT_S = 900
TEMPORARY = "release-"
LOOP = "import aiohttp, edgeseg.commands.live, edgeseg.live.run, edgeseg.sinks.web.sink, edgeseg.sources"
"""Loaded once by root, who may write the bytecode that the service, who may not, then starts from."""


def install(layout: Layout, bundle: Path, packages: str) -> tuple[str, bool]:
    """Gives the release, and whether it is new here.

    Raises UsageError for packages that are not there, ModelError for a bundle that is damaged
    or not signed as this board demands, GateError for one that gives other masks here, and
    OutputError where the disk does not take it.
    """
    folder = layout.packages / packages
    if not ID.fullmatch(packages) or not folder.is_dir():
        raise UsageError(f"no packages are called '{ascii(packages)[1:-1]}' here; bring them first")
    with locked(layout):
        for left in layout.uploads.glob(f"{TEMPORARY}*"):  # power was lost
            shutil.rmtree(left, ignore_errors=True)
        try:
            return _install(layout, bundle, packages)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{bundle}: cannot be installed ({error.strerror}); free some space") from error


def _install(layout: Layout, bundle: Path, packages: str) -> tuple[str, bool]:
    for needed in (layout.uploads, layout.releases):
        needed.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=layout.uploads))
    try:
        copy = temporary / BUNDLE
        _copy(bundle, copy)  # what is checked is what stays
        opened = Bundle.open(copy)
        _require_key(layout, opened)
        opened.verify()
        release = release_id(opened.release, packages)
        final = layout.releases / release
        if _whole(final, copy):
            return release, False
        prove(layout.packages / packages, copy)
        (temporary / PACKAGES).symlink_to(f"../../packages/{packages}")
        record = Release(release, opened.release, opened.manifest.name, packages, int(time.time()))
        put(temporary / RECORD, record.to_json())
        temporary.chmod(0o755)
        if layout.own(release).is_file():
            (temporary / ENV).hardlink_to(layout.own(release))
        if final.exists():  # damaged: nothing else has its name
            final.rename(Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=layout.uploads)) / "damaged")
        reveal(temporary, final)
        return release, True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def prove(packages: Path, bundle: Path) -> None:
    """Run the golden frames with these packages, in a process of its own; raises GateError where it fails."""
    _python(packages, ["-m", "edgeseg", "selftest", str(bundle)], "the self-test")
    _python(packages, ["-c", LOOP], "loading the loop")


def _python(packages: Path, arguments: list[str], what: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(packages), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SELFTEST_LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise GateError(f"{what} did not end within {SELFTEST_LIMIT_S} s; try a smaller model") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        last = lines[-1].removeprefix("edgeseg: ") if lines else f"it ended with code {done.returncode}"
        raise GateError(f"{what} failed on this board: {printable(last)}")


def _copy(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as given, target.open("wb") as made:
            shutil.copyfileobj(given, made, 1 << 20)
    except FileNotFoundError as error:
        raise UsageError(f"{source}: is not there; give a .edgeseg file") from error
    target.chmod(0o644)


def _require_key(layout: Layout, bundle: Bundle) -> None:
    """Once the board has a key, one of its keys has to have signed what it runs."""
    keys = sorted(layout.keys.glob(f"*{KEY_SUFFIX}")) if layout.keys.is_dir() else []
    last: ModelError | None = None
    for key in keys:
        try:
            bundle.require_signature(key)
            return
        except ModelError as error:
            last = error
    if last is not None:
        raise ModelError(f"this board takes only bundles that its keys have signed: {last}") from last


def _whole(final: Path, copy: Path) -> bool:
    """The release is there, and its bundle is byte for byte this one."""
    try:
        Release.read(final)
        return (final / BUNDLE).read_bytes() == copy.read_bytes() and (final / PACKAGES).is_dir()
    except (ModelError, OSError):
        return False
