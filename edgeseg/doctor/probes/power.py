"""Whether a Raspberry Pi's supply is strong enough, by its firmware's bits."""

from __future__ import annotations

from contextlib import suppress

from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.system import System
from edgeseg.live.governor import read_throttling

UNDERVOLTAGE = 1 << 0
WAS_UNDER_VOLTAGE = 1 << 16
SUPPLY = "use the supply that is sold with the board, and a short thick cable"


def look(system: System) -> Finding:
    """Of other boards nothing is known."""
    if not system.raspberry_pi():
        return note("this board does not tell")
    bits = throttling(system)
    if bits & UNDERVOLTAGE:
        return wrong("undervoltage now: the board runs slowly, and may stop", SUPPLY)
    if bits & WAS_UNDER_VOLTAGE:
        return wrong("there was undervoltage since the board was started", SUPPLY)
    return fine("no undervoltage since the board was started")


def throttling(system: System) -> int:
    """The bits, by sysfs or where it lacks them by `vcgencmd`; those from 16 on tell of the past."""
    bits = read_throttling(system.path("/sys"))
    answer = None if bits else system.ask(["vcgencmd", "get_throttled"])
    if answer is not None:
        with suppress(ValueError):
            return int(answer.out.strip().partition("=")[2], 16)
    return bits
