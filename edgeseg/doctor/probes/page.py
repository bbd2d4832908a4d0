"""Whether the page answers, and asks for its token."""

from __future__ import annotations

import re

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.probes.bundle import installed
from edgeseg.doctor.probes.service import LOG, unit
from edgeseg.doctor.system import System

DEFAULT_PORT = 8080
BOARD_OPTIONS = ("/opt/edgeseg/current/env", "/etc/edgeseg/env")
"""The first that holds some counts; only root may read them."""
LIVE = "EDGESEG_LIVE="
ADDRESS = re.compile(r"http://[^\s'\"?/]*:(\d{1,5})")
UNAUTHORIZED = 401


def look(system: System) -> Finding:
    """Ask as somebody who has no token."""
    service = unit(system)
    port = _port(system, service)
    answer = system.python("-m", "edgeseg.doctor.child", "page", str(port))
    if answer is None or "/healthz" not in answer.json():
        return UNASKED
    told = answer.json()
    if told["/healthz"] is None:
        text = f"nothing answers at port {port}"
        return note(text) if service is None else wrong(f"{text}, though a service is installed", LOG)
    if told.get("server") != "edgeseg":
        text = f"another program answers at port {port}"
        return note(text) if service is None else wrong(text, f"sudo ss -ltnp 'sport = :{port}'")
    if told["/healthz"] != 200:
        return wrong(f"answers at port {port}, but its loop stands still", "sudo systemctl restart edgeseg")
    if told.get("/stats.json") == UNAUTHORIZED:
        return fine(f"answers at port {port}, and asks for a token")
    return fine(f"answers at port {port}, for this machine alone")


def _port(system: System, service: str | None) -> int:
    """As the board's own options name it, the service's file, or the options in its bundle."""
    own = [text for path in BOARD_OPTIONS if LIVE in (text := system.text(path) or "")]
    named = ADDRESS.search(own[0] if own else "") or ADDRESS.search(service or "")
    bundle = installed(system) if service and not named else None
    if bundle is not None:
        answer = system.python("-m", "edgeseg", "bundle", "show", str(system.path(bundle)), "--json")
        named = ADDRESS.search(str(answer.json().get("live"))) if answer is not None else None
    return int(named[1]) if named else DEFAULT_PORT
