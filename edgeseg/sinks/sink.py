"""What a sink gets and what it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.images import Mask
from edgeseg.labels import Labels
from edgeseg.sources.frame import Frame
from edgeseg.stats import LiveStats


@dataclass(frozen=True)
class Segmented:
    """A frame and what the network made of it. Nobody writes to its arrays, so a sink may keep it."""

    frame: Frame
    label_map: Mask
    """uint8 class ids at the model's own size, for the whole of the frame."""
    index: int
    """0 for the first of the loop."""
    invoke_ms: float
    """The network alone."""
    age_ms: float
    """From the frame's capture to its mask."""
    margin: float | None = None
    """See `LiveStats.margin`."""

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """Share of the picture by class id, (256,) in 0..1; counted once, whoever asks."""
        counts = cv2.calcHist([self.label_map], [0], None, [256], [0, 256])
        return np.asarray(counts.ravel() / self.label_map.size, np.float64)


@dataclass
class Controls:
    """What a viewer may change while the loop runs."""

    recording: bool | None = None
    """True and False while a `record:` sink is there to obey; None without one."""


@dataclass(frozen=True)
class LoopInfo:
    """The loop that a sink hangs on."""

    labels: Labels
    fps: float
    """Frames a second that the sink may expect."""
    live: bool
    """Frames come when they come; else each comes once, in order, as fast as the loop goes."""
    model: str = "model.tflite"
    """File name of the model at the start."""
    token: str | None = None
    """What a viewer from another machine has to know."""
    stats: Callable[[], LiveStats] = lambda: LiveStats(0, 0.0, 0.0, 0.0, 0, {})
    """Figures as of now; any thread may ask."""
    say: Callable[[str], None] = lambda text: None
    """A line for the person at the terminal; any thread may call it."""
    end: Callable[[], None] = lambda: None
    """A viewer wants the loop to end; any thread may call it. From within `Sink.write`, raise EndLoop."""
    controls: Controls = field(default_factory=Controls)


class EndLoop(Exception):  # noqa: N818  # no error: somebody closed the window
    """Raised by `Sink.write`: the viewer wants the loop to end."""


class Sink(Protocol):
    """An open sink. One thread calls it."""

    def write(self, segmented: Segmented) -> None:
        """Take one frame and its mask; raises OutputError, and is then closed and opened again later."""

    def close(self, complete: bool) -> None:
        """Finish. With `complete` false something broke off: keep what is there under another name."""
