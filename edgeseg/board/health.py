"""Whether the service does its work: systemd says so, and so does its page, for a while."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

from edgeseg.board import systemd
from edgeseg.board.layout import SERVICE, Layout
from edgeseg.board.options import without_secrets
from edgeseg.printable import printable
from edgeseg.sinks.web.address import Address

STATE = ("ActiveState", "SubState", "NRestarts", "InvocationID", "Result", "StatusText", "UnitFileState")
FAILED_STARTS = 2
"""So often it is started again before we give up."""
POLL_S = 0.5
PAGE_LIMIT_S = 5
LOG_LINES = 20


@dataclass(frozen=True)
class Patience:
    """How long a release may take."""

    limit_s: float = 240.0
    """Until it is healthy: a small board loads a model for a while."""
    hold_s: float = 5.0
    """For so long it has to stay so."""


def ask(page: Address) -> str:
    """What `/healthz` says, in a line: 'ok', or what is wrong."""
    connection = http.client.HTTPConnection(page.host, page.port, timeout=PAGE_LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(200).decode(errors="replace").strip()
        if answer.getheader("Server") != "edgeseg":
            return f"another program answers at port {page.port}"
        return "ok" if answer.status == http.HTTPStatus.OK else f"the page says {answer.status}, {printable(said)}"
    except (OSError, http.client.HTTPException) as error:
        return f"nothing answers at port {page.port} ({printable(str(error))})"
    finally:
        connection.close()


def wait(layout: Layout, page: Address | None, patience: Patience) -> str | None:
    """Wait until the service, which was just started, is healthy; None, or why it is not."""
    deadline = time.monotonic() + patience.limit_s
    since, invocation = 0.0, ""
    while True:
        state = systemd.show(SERVICE, *STATE)
        if state.get("ActiveState") == "failed" or _number(state, "NRestarts") >= FAILED_STARTS:
            return _told(layout, f"the service ends ({state.get('Result')})")
        trouble = _trouble(state, page)
        now = time.monotonic()
        if trouble or state.get("InvocationID") != invocation or not since:
            since, invocation = (0.0 if trouble else now), state.get("InvocationID", "")
        if not trouble and now - since >= patience.hold_s:
            return None
        if now > deadline + (patience.hold_s if since else 0):
            return _told(layout, f"not healthy within {patience.limit_s:g} s: {trouble or 'it does not stay so'}")
        time.sleep(POLL_S)


def _trouble(state: dict[str, str], page: Address | None) -> str:
    """Empty where there is none."""
    if state.get("ActiveState") not in ("active", "reloading"):
        return f"the service is {state.get('ActiveState')} ({state.get('SubState')})"
    said = ask(page) if page else "ok"
    return "" if said == "ok" else said


def _told(layout: Layout, reason: str) -> str:
    """With the last error in the log."""
    errors = [line for line in systemd.log(SERVICE, LOG_LINES) if line.startswith("edgeseg: ")]
    last = f"; it says: {errors[-1].removeprefix('edgeseg: ')}" if errors else ""
    return printable(without_secrets(layout, reason + last))


def _number(state: dict[str, str], name: str) -> int:
    text = state.get(name, "")
    return int(text) if text.isdigit() else 0
