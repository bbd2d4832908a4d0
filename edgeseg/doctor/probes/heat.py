"""Whether the processor is too hot."""

from __future__ import annotations

from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.probes.power import throttling
from edgeseg.doctor.system import System
from edgeseg.live.governor import read_temperature

HOT_C = 80.0
"""Where the loop begins to hold itself back."""
CAPPED_OR_THROTTLED = 2 | 4
WAS_THROTTLED = 1 << 18
COOL = "give the board a heat sink or a fan, or let it rest:  edgeseg live --max-fps 5"


def look(system: System) -> Finding:
    """The temperature, and what a Raspberry Pi says that it did about it."""
    degrees = read_temperature(system.path("/sys"))
    bits = throttling(system) if system.raspberry_pi() else 0
    text = "temperature not told" if degrees is None else f"{degrees:.0f} °C"
    if bits & CAPPED_OR_THROTTLED and not bits & 1:  # undervoltage throttles too, and that is another's to tell
        return wrong(f"{text}, and the firmware slows the processor down", COOL)
    if degrees is not None and degrees >= HOT_C:
        return wrong(f"{text}: the loop holds itself back", COOL)
    if bits & WAS_THROTTLED:
        return note(f"{text}; it was slowed down since the board was started")
    return note("this machine does not tell its temperature") if degrees is None else fine(text)
