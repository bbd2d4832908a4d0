"""From one release to another: a trial, then the promotion or the way back.

The trial is a drop-in below /run. A board that loses power during it comes up with the
release before and the options that that had, without anybody's help.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from edgeseg.board import health, shortcut, systemd
from edgeseg.board.durable import alias, point, put
from edgeseg.board.health import Patience
from edgeseg.board.layout import BEFORE, NEW_ENV, Layout
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
    named = page(layout, release, tried=True)
    started = time.monotonic()
    with locked(layout):
        before = current(layout)
        try:
            _try(layout, release)
            reason = health.wait(layout, named, patience)
            if reason is None:
                _prepare(layout, release, before)
        except (EdgesegError, OSError) as error:
            reason = str(error)
        if reason is None:
            reason = _decide(layout, release)
        if reason is None:
            told = {"state": SWITCHED, "previous": before, **_tidy(layout, release)}
        else:
            told = {"state": RETURNED, "to": before, "reason": reason, **_return(layout, release, before)}
        return _tell(layout, release, {**told, "seconds": _since(started)})


def settle(layout: Layout) -> dict[str, Any]:
    """Tidy up after a switch whose process was killed; does nothing after one that ended."""
    release = on_trial(layout)
    if release is None:
        return {"state": "settled"}
    with locked(layout):
        before = current(layout)
        if _decided(layout, release):  # and not yet tidied up
            return _tell(layout, release, {"state": SWITCHED, **_tidy(layout, release)})
        _leave_trial(layout, release)
        if before:
            systemd.restart()
        else:
            systemd.disable()
        return _tell(layout, release, {"state": RETURNED, "to": before, "reason": KILLED})


def _try(layout: Layout, release: str) -> None:
    if not layout.unit.exists():
        put(layout.unit, unit(layout))  # not enabled: a start of the board does not run it
    put(layout.trial, trial(layout, release))
    systemd.reload()
    systemd.restart()


def forget(layout: Layout, release: str) -> None:
    """The new options of a release that nobody tries any more."""
    (layout.releases / release / NEW_ENV).unlink(missing_ok=True)


def _prepare(layout: Layout, release: str, before: str | None) -> None:
    """All that the decision needs; it changes nothing by itself."""
    if not layout.unit.exists() or layout.unit.read_text() != unit(layout):
        put(layout.unit, unit(layout))
    if before and before != release:
        point(layout.releases / release / BEFORE, f"../{before}")
    shortcut.put_command(layout)
    systemd.enable()
    os.sync()


def _decide(layout: Layout, release: str) -> str | None:
    """One rename: of `current`, or of the options where the release runs already; gives why it could not be."""
    new = layout.releases / release / NEW_ENV
    try:
        if new.exists():
            alias(layout.own(release), new)
        if current(layout) != release:
            point(layout.current, f"releases/{release}")
    except OSError as error:
        return None if _decided(layout, release) else str(error)
    return None


def _decided(layout: Layout, release: str) -> bool:
    """Whether the board starts with this release and the options it was tried with."""
    new, own = layout.releases / release / NEW_ENV, layout.own(release)
    same = not new.exists() or (own.exists() and own.samefile(new))
    return current(layout) == release and same


def _tidy(layout: Layout, release: str) -> dict[str, str]:
    """After the decision, which stays whatever becomes of this; tells what that was."""
    try:
        _leave_trial(layout, release)
    except (EdgesegError, OSError) as error:
        return {"note": f"it runs, and something of its trial is left: {error}"}
    return {}


def _return(layout: Layout, release: str, before: str | None) -> dict[str, Any]:
    """As it was before; tells whether that is healthy again, where there was something."""
    _leave_trial(layout, release)
    if before is None:
        systemd.disable()
        return {}
    try:
        systemd.restart()
        trouble = health.wait(layout, page(layout, before), Patience(BACK_LIMIT_S, NO_HOLD_S))
    except EdgesegError as error:
        trouble = str(error)
    return {"healthy": trouble is None} | ({"trouble": trouble} if trouble else {})


def _leave_trial(layout: Layout, release: str) -> None:
    """The new options go last: until then the service may be started anew with them."""
    layout.trial.unlink(missing_ok=True)
    systemd.reload()
    forget(layout, release)


def _tell(layout: Layout, release: str, told: dict[str, Any]) -> dict[str, Any]:
    told = {"release": release, **told}
    put(layout.result(release), json.dumps(told) + "\n")
    return told


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)
