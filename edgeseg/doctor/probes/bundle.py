"""Whether the installed bundle proves itself on this machine."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.system import System

CURRENT = "/opt/edgeseg/current"
MANIFEST = "manifest.json"
"""Tells an extracted bundle."""
NO_COMMAND = "No such command"


def look(system: System) -> Finding:
    """Run its golden frames, in a process of its own."""
    path = installed(system)
    if path is None:
        return note(f"none is installed in {CURRENT}")
    answer = system.python("-m", "edgeseg", "selftest", str(system.path(path)), "--json")
    if answer is None:
        return UNASKED
    if NO_COMMAND in answer.err:
        return note("this edgeseg has no selftest; install a later one")
    if answer.code:
        stages = answer.json().get("differing")
        if isinstance(stages, list) and stages:
            what = f"differs in {', '.join(map(str, stages))}"
        else:
            what = answer.reason.removeprefix(f"{system.path(path)}: ").partition(";")[0]
        return wrong(f"{path}: {what}", f"edgeseg bundle verify {path}")
    return fine(f"{path} proves itself")


def installed(system: System) -> str | None:
    """A file or an extracted folder; None where there is neither."""
    files = system.glob(f"{CURRENT}/*.edgeseg")
    folders = [each.removesuffix(f"/{MANIFEST}") for each in system.glob(f"{CURRENT}/*/{MANIFEST}")]
    if system.path(f"{CURRENT}/{MANIFEST}").exists():
        return CURRENT
    return next(iter(files + folders), None)
