"""What the page knows of the loop beside its pictures."""

from __future__ import annotations

from typing import Any

from edgeseg.sinks.sink import LoopInfo
from edgeseg.sinks.stale import is_stale, stale_after_s
from edgeseg.sinks.web.slot import Slot
from edgeseg.stats import LiveStats
from edgeseg.version import __version__


class Status:
    """Figures as of now, as JSON and as text."""

    def __init__(self, loop: LoopInfo, slot: Slot) -> None:
        self.loop = loop
        self._slot = slot

    def hello(self) -> dict[str, Any]:
        """What stays the same while the loop runs."""
        labels = self.loop.labels
        palette = labels.palette().tolist()
        return {
            "version": __version__,
            "classes": [{"id": i, "name": labels.names[i], "color": palette[i]} for i in labels.counted],
        }

    def figures(self, viewers: int) -> dict[str, Any]:
        """What changes: the loop's own figures, its model's too, and how fresh the picture is."""
        stats, idle = self.loop.stats(), self._slot.idle_s
        return stats.to_json() | {
            "stale": bool(self.trouble(stats)),
            "stale_after_s": round(stale_after_s(self.loop, stats), 3),
            "idle_s": None if idle is None else round(idle, 3),
            "recording": self.loop.controls.recording,
            "viewers": viewers,
        }

    @property
    def stale_s(self) -> float | None:
        """Since the newest frame came, where it is stale; None where it is fresh, and before the first."""
        idle = self._slot.idle_s
        return idle if idle is not None and is_stale(idle, self.loop) else None

    def trouble(self, stats: LiveStats) -> str:
        """Why no frames come; empty while they do."""
        idle = self._slot.idle_s
        if idle is None:
            reason = "no frame yet"
        elif idle > stale_after_s(self.loop, stats):
            reason = f"no frame for {idle:.1f} s"
        else:
            return ""
        return f"{reason}: {stats.source}" if stats.source else reason
