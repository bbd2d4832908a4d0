"""What a loop shows where nobody said what it should show."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edgeseg import screen
from edgeseg.errors import UsageError
from edgeseg.sources import Source

HOST, PORTS = "127.0.0.1", range(8080, 8090)
PAGE = f"http://{HOST}:{{}}"
WINDOW = "window:"


def default_outputs(source: Source, max_frames: int | None) -> tuple[str, ...]:
    """A window where there is a screen, else the page; nothing for what comes to an end by itself."""
    if source.total is not None or max_frames is not None:
        return ()
    return (WINDOW,) if not screen.trouble() else (PAGE.format(_free_port()),)


def _free_port() -> int:
    """The first that no other loop's page has; the first of all where none is left, so that it is said."""
    for port in PORTS:
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    return PORTS[0]


def refuse_overwriting(source: str, outputs: Sequence[str]) -> None:
    """Raise UsageError where an output would be written over what the source reads."""
    read = Path(source.partition("?")[0].removeprefix("replay:")).resolve()
    for uri in outputs:
        written = uri.partition("?")[0].removeprefix("record:").removeprefix("jsonl:")
        if Path(written).resolve() == read:
            raise UsageError(f"{uri}: is the source, which the output would overwrite; choose another --out")
