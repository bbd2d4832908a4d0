"""Holding a hot board's loop back before its processor does, and saying why."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RATES = {1.0: "", 0.75: "three quarters of the rate", 0.5: "half rate", 0.25: "a quarter of the rate"}
STEP_S = 20.0
"""At least so long between two steps down: a heat sink takes its time."""
SMALLER_S = 30.0
"""Still hot after so long at the lowest rate: the model is too large."""
COOL_S = 60.0
"""So long cool before a step up."""
HELD_S = 3600.0
"""A step up that did not last so long was one too far: the next waits twice as long, up to `LONGEST_S`."""
LONGEST_S = 3600.0

_UNDERVOLTAGE, _CAPPED, _THROTTLED = 1, 2, 4
"""Bits of the Raspberry Pi's firmware as of now; those from 16 on tell of the past. Bit 3, the soft limit, is on at
60 °C already on a Pi 3B+, and costs little."""
_PROCESSOR = ("cpu", "soc", "pkg")
_PLAUSIBLE_C = (-40.0, 150.0)


@dataclass(frozen=True)
class Ruling:
    """What the loop should do."""

    temperature_c: float | None = None
    """Of the processor; None where the system does not say."""
    rate: float = 1.0
    """One of `RATES`: the share of its own rate that the loop may run at."""
    smaller: bool = False
    """Go to the next smaller model now. True in one ruling only; again after `SMALLER_S` at the earliest."""
    text: str = ""
    """What it does and why, in one line; empty while it leaves the loop alone."""


class Governor:
    """Steps down while the board is hot or throttled, and up again once it stayed cool."""

    def __init__(self, root: Path = Path("/sys"), hot_c: float = 80.0, cool_c: float = 72.0) -> None:
        """`root` is where sysfs is; files that are missing or make no sense count as not there."""
        self._root = root
        self._hot_c, self._cool_c = hot_c, cool_c
        self._rates = list(RATES)
        self._step = 0
        self._changed_s = -STEP_S
        self._raised_s: float | None = None
        self._cool_since_s: float | None = None
        self._wait_s = COOL_S

    def poll(self, now_s: float) -> Ruling:
        """Look and decide, every two seconds or so; `now_s` comes from a clock that never goes back."""
        temperature_c, bits = read_temperature(self._root), read_throttling(self._root)
        undervoltage = bool(bits & _UNDERVOLTAGE)  # it throttles too, and a slower loop does not mend it
        throttled = bool(bits & (_CAPPED | _THROTTLED)) and not undervoltage
        hot = throttled or (temperature_c is not None and temperature_c >= self._hot_c)
        smaller = self._decide(now_s, hot, temperature_c is None or temperature_c < self._cool_c)
        rate = self._rates[self._step]
        texts = ["undervoltage: check the power supply"] if undervoltage else []
        if RATES[rate]:
            where = "" if temperature_c is None else f"at {temperature_c:.0f} °C"
            why = f"throttled {where}".strip() if throttled else where or "cooling down"
            texts.append(f"{RATES[rate]}, {why}")
        return Ruling(temperature_c, rate, smaller, "; ".join(texts))

    def _decide(self, now_s: float, hot: bool, cool: bool) -> bool:
        """Take a step if one is due; True where no step is left."""
        since_s = now_s - self._changed_s
        lowest = self._step == len(self._rates) - 1
        if hot or not cool:
            self._cool_since_s = None
        elif self._cool_since_s is None:
            self._cool_since_s = now_s
        if hot and lowest and since_s >= SMALLER_S:
            self._changed_s = now_s
            return True
        if hot and not lowest and since_s >= STEP_S:
            if self._raised_s is not None:
                failed = now_s - self._raised_s < HELD_S
                self._wait_s = min(2 * self._wait_s, LONGEST_S) if failed else COOL_S
            self._step, self._changed_s, self._raised_s = self._step + 1, now_s, None
        elif self._step and self._cool_since_s is not None and now_s - self._cool_since_s >= self._wait_s:
            self._step, self._changed_s, self._raised_s = self._step - 1, now_s, now_s
            self._cool_since_s = now_s
        return False


def read_temperature(root: Path) -> float | None:
    """The hottest of the processor's sensors, or where none is its own, of all; °C."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for zone in root.glob("class/thermal/thermal_zone*"):
        with suppress(OSError, ValueError):
            degrees = int((zone / "temp").read_text()) / 1000
            if _PLAUSIBLE_C[0] < degrees < _PLAUSIBLE_C[1]:
                kind = (zone / "type").read_text().lower()
                found[any(name in kind for name in _PROCESSOR)].append(degrees)
    return max(found[True] or found[False], default=None)


def read_throttling(root: Path) -> int:
    """The Raspberry Pi's throttling bits; 0 on other boards."""
    for path in root.glob("devices/platform/soc*/soc*:firmware/get_throttled"):
        with suppress(OSError, ValueError):
            return int(path.read_text(), 16)
    return 0
