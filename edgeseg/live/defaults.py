"""What a loop shows where nobody said what it should show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeseg import screen
from edgeseg.errors import UsageError
from edgeseg.sources import Source

PAGE = "http://127.0.0.1:8080"
WINDOW = "window:"


def default_outputs(source: Source, max_frames: int | None) -> tuple[str, ...]:
    """A window where there is a screen, else the page; nothing for what comes to an end by itself."""
    if source.total is not None or max_frames is not None:
        return ()
    return (WINDOW,) if not screen.trouble() else (PAGE,)


def refuse_overwriting(source: str, outputs: Sequence[str]) -> None:
    """Raise UsageError where an output would be written over what the source reads."""
    read = Path(source.partition("?")[0].removeprefix("replay:")).resolve()
    for uri in outputs:
        written = uri.partition("?")[0].removeprefix("record:").removeprefix("jsonl:")
        if Path(written).resolve() == read:
            raise UsageError(f"{uri}: is the source, which the output would overwrite; choose another --out")
