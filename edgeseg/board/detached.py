"""A switch that goes on when who asked for it is gone: systemd runs it, and we only wait."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from edgeseg.board import systemd
from edgeseg.board.health import LOG_LINES, POLL_S, Patience
from edgeseg.board.layout import ROOT_VARIABLE, Layout
from edgeseg.board.options import page
from edgeseg.board.releases import require
from edgeseg.errors import OutputError

UNIT = "edgeseg-release-switch.service"
"""No example has a service of this name."""
MORE_S = 300.0
"""For stopping, and for the way back."""
BOARD = ("-P", "-m", "edgeseg.board")


def switch(layout: Layout, release: str, patience: Patience) -> dict[str, Any]:
    """See `edgeseg.board.switch.switch`; one whose process is killed returns as well."""
    require(layout, release)
    page(layout, release, tried=True)  # what is wrong with the options is said before anything stops
    if _state() in ("active", "activating", "deactivating"):
        raise OutputError("another switch is under way on this board; wait for it")
    layout.result(release).unlink(missing_ok=True)
    handed = {name: os.environ[name] for name in ("PYTHONPATH", ROOT_VARIABLE) if os.environ.get(name)}
    settle = " ".join([sys.executable, *BOARD, "settle"])
    timing = [f"--limit={patience.limit_s}", f"--hold={patience.hold_s}"]
    systemd.run(
        [
            *("systemd-run", f"--unit={UNIT}", "--collect", "--quiet", f"--property=ExecStopPost={settle}"),
            *(f"--setenv={name}={value}" for name, value in handed.items()),
            *(sys.executable, *BOARD, "run-switch", release, *timing),
        ]
    )
    deadline = time.monotonic() + patience.limit_s + patience.hold_s + MORE_S
    while _state() in ("active", "activating", "deactivating"):
        if time.monotonic() > deadline:
            raise OutputError(f"the switch does not end; see  sudo journalctl -u {UNIT}")
        time.sleep(POLL_S)
    try:
        told: dict[str, Any] = json.loads(layout.result(release).read_text())
    except (OSError, ValueError) as error:
        lines = [line for line in systemd.log(UNIT, LOG_LINES) if line.startswith("edgeseg: ")]
        why = f": {lines[-1].removeprefix('edgeseg: ')}" if lines else f"; see  sudo journalctl -u {UNIT}"
        raise OutputError(f"the switch ended without a result{why}") from error
    return told


def _state() -> str:
    return systemd.show(UNIT, "ActiveState").get("ActiveState", "")
