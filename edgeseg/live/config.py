"""What a loop can be asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgeseg.sinks.sink import Controls


@dataclass(frozen=True)
class LoopConfig:
    """Options of a loop; the defaults segment every frame and choose the threads by measuring."""

    max_frames: int | None = None
    """End after so many masks."""
    threads: int | None = None
    """1: overlay and outputs in line; 2: on a thread of their own; None: what measuring at the start finds faster."""
    every: int = 1
    """Take each so-manyth frame, and leave out the others."""
    roi: tuple[int, int, int, int] | None = None
    """The part of each frame to take: x, y, width, height in pixels."""
    max_fps: float | None = None
    """Take no more frames a second."""
    smooth: bool = False
    """Steady the mask where the picture does not move."""
    unsure: Path | None = None
    """Folder that keeps the frames of which the model is least sure."""
    token: str | None = None
    """What a viewer of the page from another machine has to know."""
    fallback: Path | None = None
    """The next smaller model, for a board that is too hot or an accelerator that hangs."""
    invoke_limit_s: float = 10.0
    """An inference that takes longer hangs."""
    system: Path = Path("/sys")
    """Where the governor finds temperatures; a folder can stand in for it."""
    controls: Controls = field(default_factory=Controls)
