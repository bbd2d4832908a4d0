"""Whether the clock is right: certificates, signatures and recordings depend on it."""

from __future__ import annotations

import time

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.system import System

NOT_BEFORE_S = 1_793_491_200
"""2026-11-01: when this was written. A board without a battery may wake in 1970."""
SYNCHRONIZED = "/run/systemd/timesync/synchronized"
SET = "sudo timedatectl set-ntp true"


def look(system: System) -> Finding:
    """A board without a network is not synchronized, and may be right all the same."""
    answer = system.ask(["date", "+%s"])
    if answer is None or not answer.out.strip().isdigit():
        return UNASKED
    now_s = int(answer.out)
    day = time.strftime("%Y-%m-%d", time.gmtime(min(now_s, 2**40)))
    if now_s < NOT_BEFORE_S:
        return wrong(f"it is {day}, says the clock: that was before edgeseg was made", SET)
    told = system.ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if system.path(SYNCHRONIZED).exists() or (told is not None and told.out.strip() == "yes"):
        return fine(f"{day}, synchronized")
    return note(f"{day}, but not synchronized, as without a network", SET) if system.linux else fine(day)
