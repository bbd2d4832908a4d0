"""What a running loop says of itself: to the terminal, the page, and whoever else asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LiveStats:
    """A loop so far. Durations are medians of the last thousand frames."""

    frames: int
    """Frames segmented."""
    seconds: float
    """Since the loop began."""
    invoke_ms: float
    """The network alone."""
    overhead_ms: float
    """All else that a frame costs the loop's own thread; waiting for a frame is not in it."""
    dropped: int
    """Frames that a newer one replaced before the loop took them."""
    areas: dict[str, float]
    """Mean share of the picture by class name, 0..1; classes never seen are absent. Of a live source, of ten frames a
    second."""
    model: str = ""
    """File name of the model that is running."""
    miou: float | None = None
    """Of that model on its val part, as its file says, 0..1."""
    scheme: str | None = None
    """How that model was quantized, as its file says: 'int8' and the like."""
    period_s: float = 0.0
    """From frame to frame, to which `--max-fps` or the governor holds the loop; 0 where nothing does."""
    recent_fps: float = 0.0
    """Frames a second over the last few seconds; 0 where none came."""
    age_ms: float = 0.0
    """From a frame's capture to its mask."""
    bad: int = 0
    """Frames that could not be read, and were left out."""
    areas_now: dict[str, float] = field(default_factory=dict)
    """`areas` of the newest frame alone."""
    threads: int = 1
    """2 where overlay and outputs have a thread of their own."""
    source: str = ""
    """What is wrong with the source, such as 'lost, trying again'; empty while frames come."""
    outputs: dict[str, str] = field(default_factory=dict)
    """By URI, what is wrong with each output; empty text while it works."""
    flicker: float | None = None
    """Share of the pixels, 0..1, that change class from a frame to the next where the picture does not; None unless
    `--smooth` measures it."""
    flicker_smoothed: float | None = None
    """The same after smoothing."""
    margin: float | None = None
    """Mean distance of the best from the second best class in the newest frame, 0..1 of the scores' range; None
    unless `--unsure` asks for it."""
    temperature_c: float | None = None
    """Of the processor; None where the system does not say."""
    governor: str = ""
    """What the governor does and why; empty while it leaves the loop alone."""

    @property
    def fps(self) -> float:
        """Frames a second since the loop began."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg live --json` prints and `/stats.json` gives."""
        return {
            "model": self.model,
            "miou": self.miou,
            "scheme": self.scheme,
            "frames": self.frames,
            "fps": round(self.fps, 2),
            "recent_fps": round(self.recent_fps, 2),
            "seconds": round(self.seconds, 3),
            "invoke_ms": round(self.invoke_ms, 3),
            "overhead_ms": round(self.overhead_ms, 3),
            "age_ms": round(self.age_ms, 3),
            "dropped": self.dropped,
            "bad": self.bad,
            "threads": self.threads,
            "class_areas": _rounded(self.areas),
            "class_areas_now": _rounded(self.areas_now),
            "source": self.source,
            "outputs": self.outputs,
            "flicker": self.flicker,
            "flicker_smoothed": self.flicker_smoothed,
            "margin": self.margin,
            "temperature_c": self.temperature_c,
            "governor": self.governor,
        }


def median(values: list[float]) -> float:
    """The middle one, of two the larger; 0 of none. NumPy's and the library's take as long to load as a model."""
    return sorted(values)[len(values) // 2] if values else 0.0


def _rounded(areas: dict[str, float]) -> dict[str, float]:
    return {name: round(area, 5) for name, area in areas.items()}
