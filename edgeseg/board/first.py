"""What first_boot.py hands over to, once the packages are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeseg.board import detached, health, systemd
from edgeseg.board.health import Patience
from edgeseg.board.install import install
from edgeseg.board.layout import SERVICE, Layout
from edgeseg.board.options import page
from edgeseg.board.releases import current
from edgeseg.board.switch import RETURNED
from edgeseg.errors import GateError


def first_boot(layout: Layout, bundle: Path, packages: str, patience: Patience) -> dict[str, Any]:
    """Have the card's bundle run, however often it is called; raises GateError where it does not.

    A release that came another way since stays.
    """
    release, _ = install(layout, bundle, packages)
    before = current(layout)
    if before not in (None, release):
        return {"state": "running", "release": before, "kept": True}
    if before is None or not _healthy(layout, release):
        told = detached.switch(layout, release, patience)
        if told["state"] == RETURNED:
            raise GateError(f"the release {release} does not run here: {told['reason']}")
    systemd.enable()
    return {"state": "running", "release": release}


def _healthy(layout: Layout, release: str) -> bool:
    if systemd.show(SERVICE, "ActiveState").get("ActiveState") != "active":
        return False
    named = page(layout, release)
    return named is None or health.ask(named) == "ok"
