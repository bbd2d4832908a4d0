"""Where masks go: a module each, tried in the order of `SINKS`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edgeseg.errors import UsageError
from edgeseg.sinks import jsonl, masks, mqtt, record, video, web, window
from edgeseg.sinks.sink import LoopInfo, Sink
from edgeseg.uri import without_password


class _Module(Protocol):
    def accepts(self, uri: str) -> bool: ...
    def open(self, uri: str, loop: LoopInfo) -> Sink: ...


SINKS: tuple[_Module, ...] = (web, window, record, jsonl, mqtt, video, masks)
KNOWN = (
    "http://127.0.0.1:8080 (a page) · window: · out.mp4, .avi or .mkv (overlay) · record:DIR (to replay) · "
    "masks/ (a folder of class-id PNGs) · jsonl:PATH · mqtt://host/topic"
)


def find_sink(uri: str) -> _Module:
    """The module that takes this URI; raises UsageError that lists the kinds."""
    for module in SINKS:
        if module.accepts(uri):
            return module
    hint = f"; for a folder of masks write {uri}/" if not Path(uri).suffix and ":" not in uri else ""
    raise UsageError(f"{without_password(uri)}: is no output; known are {KNOWN}{hint}")


def open_sink(uri: str, loop: LoopInfo) -> Sink:
    """Open a sink for a loop. Raises UsageError that lists the kinds, and OutputError where it cannot write."""
    return find_sink(uri).open(uri, loop)
