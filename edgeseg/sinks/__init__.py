"""Where masks go: a module each, tried in the order of `SINKS`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edgeseg.errors import UsageError
from edgeseg.images import Mask
from edgeseg.labels import Labels
from edgeseg.sinks import masks, video, window
from edgeseg.sources.frame import Frame


class Sink(Protocol):
    """An open sink."""

    def write(self, frame: Frame, label_map: Mask) -> None:
        """Take one frame and its class ids at the model's own size; raises OutputError."""

    def close(self, complete: bool) -> None:
        """Finish. With `complete` false the source broke off: keep what is there under another name."""


class _Module(Protocol):
    def accepts(self, uri: str) -> bool: ...
    def open(self, uri: str, labels: Labels, fps: float, live: bool) -> Sink: ...


SINKS: tuple[_Module, ...] = (window, video, masks)
KNOWN = "out.mp4, .avi or .mkv (overlay) · masks/ (a folder of class-id PNGs) · window:"


def open_sink(uri: str, labels: Labels, fps: float, live: bool = False) -> Sink:
    """Open a sink for a source of `fps` frames a second.

    Raises UsageError that lists the kinds, and OutputError where it cannot write.
    """
    for module in SINKS:
        if module.accepts(uri):
            return module.open(uri, labels, fps, live)
    hint = f"; for a folder of masks write {uri}/" if not Path(uri).suffix and ":" not in uri else ""
    raise UsageError(f"{uri}: is no output; known are {KNOWN}{hint}")
