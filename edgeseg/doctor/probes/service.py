"""Whether edgeseg.service runs, and will after the next start."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.system import System
from edgeseg.printable import printable

UNITS = ("/etc/systemd/system/edgeseg.service", "/usr/lib/systemd/system/edgeseg.service")
SHOW = "--property=ActiveState,SubState,Result,NRestarts,UnitFileState"
LOG = "sudo journalctl -u edgeseg -n 20  # tells why"


def unit(system: System) -> str | None:
    """What the service's file says; None where no service is installed."""
    return next((text for path in UNITS if (text := system.text(path)) is not None), None)


def look(system: System) -> Finding:
    """Ask systemd, where it runs."""
    if unit(system) is None:
        return note("edgeseg.service is not installed, and the loop will not start by itself")
    if not system.path("/run/systemd/system").is_dir():
        return note("installed, but systemd does not run here")
    answer = system.ask(["systemctl", "show", "edgeseg.service", SHOW])
    if answer is None:
        return UNASKED
    state = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    active = printable(state.get("ActiveState", "unknown"))
    restarts = state.get("NRestarts", "")
    if state.get("SubState") == "auto-restart":
        return wrong(f"stops and is started again, {printable(restarts)} times so far", LOG)
    if active == "failed":
        return wrong(f"failed ({printable(state.get('Result', 'no reason given'))})", LOG)
    if active not in ("active", "reloading", "activating"):
        return wrong(f"is {active}", "sudo systemctl enable --now edgeseg")
    if state.get("UnitFileState") == "disabled":
        return wrong("runs, but will not after the next start", "sudo systemctl enable edgeseg")
    again = f"; it was started again {restarts} times" if restarts.isdigit() and int(restarts) else ""
    return fine(f"{active}{again}")
