"""From one release to another: a trial, then the promotion or the way back.

The trial is a drop-in below /run. A board that loses power during it comes up with the
release before, without anybody's help.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from edgeseg.board import health, shortcut, systemd
from edgeseg.board.durable import point, put
from edgeseg.board.health import Patience
from edgeseg.board.layout import BEFORE, Layout
from edgeseg.board.options import page
from edgeseg.board.releases import current, locked, on_trial, require
from edgeseg.board.unit import trial, unit
from edgeseg.errors import EdgesegError

SWITCHED, RETURNED = "switched", "returned"
NO_HOLD_S = 0.0
BACK_LIMIT_S = 120.0
KILLED = "the switch was killed before it was decided"


def switch(layout: Layout, release: str, patience: Patience) -> dict[str, Any]:
    """Try a release, and keep it where it is healthy; gives what became of it, which is also put into /run.

    Raises UsageError for a release that is not installed and for options of the board that
    cannot be read, OutputError where another command is at work.
    """
    require(layout, release)
    named = page(layout, release)
    started = time.monotonic()
    with locked(layout):
        before = current(layout)
        try:
            _try(layout, release)
            reason = health.wait(layout, named, patience)
            if reason is None:
                _promote(layout, release, before)
        except (EdgesegError, OSError) as error:
            reason = str(error)
        if reason is None:
            return _tell(layout, release, {"state": SWITCHED, "previous": before, "seconds": _since(started)})
        back = _return(layout, before)
        seconds = _since(started)
        return _tell(layout, release, {"state": RETURNED, "to": before, "reason": reason, **back, "seconds": seconds})


def settle(layout: Layout) -> dict[str, Any]:
    """Tidy up after a switch whose process was killed; does nothing after one that ended."""
    release = on_trial(layout)
    if release is None:
        return {"state": "settled"}
    with locked(layout):
        before = current(layout)
        if release == before:  # it was decided, and not yet tidied up
            _keep(layout)
            return _tell(layout, release, {"state": SWITCHED})
        _leave_trial(layout)
        if before:
            systemd.restart()
        else:
            systemd.stop()
        return _tell(layout, release, {"state": RETURNED, "to": before, "reason": KILLED})


def _try(layout: Layout, release: str) -> None:
    if not layout.unit.exists():
        put(layout.unit, unit(layout))  # not enabled: a start of the board does not run it
    put(layout.trial, trial(layout, release))
    systemd.reload()
    systemd.restart()


def _promote(layout: Layout, release: str, before: str | None) -> None:
    """The rename of `current` decides; what stands before it changes nothing by itself."""
    if not layout.unit.exists() or layout.unit.read_text() != unit(layout):
        put(layout.unit, unit(layout))
    if before and before != release:
        point(layout.releases / release / BEFORE, f"../{before}")
    shortcut.put_command(layout)
    point(layout.current, f"releases/{release}")
    _keep(layout)


def _keep(layout: Layout) -> None:
    systemd.enable()
    os.sync()
    _leave_trial(layout)


def _return(layout: Layout, before: str | None) -> dict[str, Any]:
    """As it was before; tells whether that is healthy again, where there was something."""
    _leave_trial(layout)
    if before is None:
        systemd.stop()
        return {}
    try:
        systemd.restart()
        trouble = health.wait(layout, page(layout, before), Patience(BACK_LIMIT_S, NO_HOLD_S))
    except EdgesegError as error:
        trouble = str(error)
    return {"healthy": trouble is None} | ({"trouble": trouble} if trouble else {})


def _leave_trial(layout: Layout) -> None:
    layout.trial.unlink(missing_ok=True)
    systemd.reload()


def _tell(layout: Layout, release: str, told: dict[str, Any]) -> dict[str, Any]:
    told = {"release": release, **told}
    put(layout.result(release), json.dumps(told) + "\n")
    return told


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)
