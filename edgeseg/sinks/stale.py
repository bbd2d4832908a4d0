"""When a picture is too old to pass for the present."""

from __future__ import annotations

from edgeseg.sinks.sink import LoopInfo
from edgeseg.stats import LiveStats

STALE_S = 1.5
"""Without a frame: early enough for whoever looks twice a second to say so within two."""
FRAMES = 3
"""For a loop so slow that a second and a half is nothing to it."""


def stale_after_s(loop: LoopInfo, stats: LiveStats) -> float:
    """Seconds without a frame after which the newest is stale."""
    return max(STALE_S, FRAMES * max(1 / loop.fps if loop.fps > 0 else 0.0, stats.invoke_ms / 1000, stats.period_s))


def is_stale(idle_s: float, loop: LoopInfo) -> bool:
    """True for a newest frame that came so many seconds ago; asks for the loop's figures only where it must."""
    return idle_s > STALE_S and idle_s > stale_after_s(loop, loop.stats())
