"""Where masks go: a module for each kind, imported when a URI asks for it, for the sake of a quick start."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from edgeseg.errors import UsageError
from edgeseg.sinks.sink import LoopInfo, Sink
from edgeseg.uri import masked


class _Module(Protocol):
    def accepts(self, uri: str) -> bool: ...
    def open(self, uri: str, loop: LoopInfo) -> Sink: ...


SCHEMES = {
    "http": "web",
    "window": "window",
    "record": "record",
    "jsonl": "jsonl",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
}
"""Modules by what stands before the colon."""
PLACES = ("video", "masks")
"""Modules for what is a path."""
KNOWN = (
    "http://127.0.0.1:8080 (a page) · window: · out.mp4, .avi or .mkv (overlay) · record:DIR (to replay) · "
    "masks/ (a folder of class-id PNGs) · jsonl:PATH · mqtt://host/topic"
)


def find_sink(uri: str) -> _Module:
    """The module that takes this URI; raises UsageError that lists the kinds."""
    scheme = uri.partition(":")[0]
    for name in [SCHEMES[scheme]] if scheme in SCHEMES else PLACES:
        module = cast(_Module, import_module(f"edgeseg.sinks.{name}"))
        if module.accepts(uri):
            return module
    hint = f"; for a folder of masks write {uri}/" if not Path(uri).suffix and ":" not in uri else ""
    raise UsageError(f"{masked(uri)}: is no output; known are {KNOWN}{hint}")


def open_sink(uri: str, loop: LoopInfo) -> Sink:
    """Open a sink for a loop. Raises UsageError that lists the kinds, and OutputError where it cannot write."""
    return find_sink(uri).open(uri, loop)
