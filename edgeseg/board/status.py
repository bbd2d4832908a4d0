"""What a board runs, and how that does."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import distributions
from typing import Any

from edgeseg.board import health, systemd
from edgeseg.board.layout import PACKAGES, SERVICE, Layout
from edgeseg.board.options import page
from edgeseg.board.releases import current, listing, on_trial, previous
from edgeseg.errors import EdgesegError

SHOWN = {"edgeseg", "numpy", "opencv-python-headless", "ai-edge-litert", "aiohttp", "simplejpeg", "click"}


def status(layout: Layout) -> dict[str, Any]:
    """Everything that `python3 -m edgeseg.board status` prints."""
    now, trial = current(layout), on_trial(layout)
    running = trial or now
    return {
        "current": now,
        "previous": previous(layout),
        "trial": trial,
        "releases": [asdict(each) for each in listing(layout)],
        "service": _service(),
        "page": _page(layout, running, trial is not None) if running else None,
        "last_switch": _last_switch(layout),
        "keys": len(list(layout.keys.glob("*.pub.pem"))) if layout.keys.is_dir() else 0,
        "versions": {"python": platform.python_version()} | (_versions(layout, running) if running else {}),
    }


def _service() -> dict[str, Any]:
    try:
        state = systemd.show(SERVICE, *health.STATE)
    except EdgesegError as error:
        return {"state": "unknown", "reason": str(error)}
    return {
        "state": state.get("ActiveState", "unknown"),
        "detail": state.get("SubState", ""),
        "enabled": state.get("UnitFileState") == "enabled",
        "restarts": int(state["NRestarts"]) if state.get("NRestarts", "").isdigit() else None,
        "says": state.get("StatusText", ""),
    }


def _page(layout: Layout, release: str, tried: bool) -> dict[str, Any] | None:
    try:
        named = page(layout, release, tried)
    except EdgesegError as error:
        return {"health": str(error)}
    return {"port": named.port, "health": health.ask(named)} if named else None


def _last_switch(layout: Layout) -> dict[str, Any] | None:
    """Since the board was started; None where there was none."""
    found = sorted(layout.results.glob("switch-*.json"), key=lambda path: path.stat().st_mtime_ns)
    with suppress(OSError, ValueError, IndexError):
        told: dict[str, Any] = json.loads(found[-1].read_text())
        return told
    return None


def _versions(layout: Layout, release: str) -> dict[str, str]:
    found = distributions(path=[str(layout.releases / release / PACKAGES)])
    return {each.metadata["Name"]: each.version for each in found if each.metadata["Name"] in SHOWN}
