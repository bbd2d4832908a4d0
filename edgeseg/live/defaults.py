"""What a loop shows where nobody said what it should show."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from edgeseg.errors import UsageError
from edgeseg.sources import Source

PAGE = "http://127.0.0.1:8080"
WINDOW = "window:"


def default_outputs(source: Source, max_frames: int | None) -> tuple[str, ...]:
    """A window where there is a screen, else the page; nothing for what comes to an end by itself."""
    if source.total is not None or max_frames is not None:
        return ()
    return (WINDOW,) if has_screen() else (PAGE,)


def refuse_overwriting(source: str, outputs: Sequence[str]) -> None:
    """Raise UsageError where an output would be written over what the source reads."""
    read = Path(source.partition("?")[0].removeprefix("replay:")).resolve()
    for uri in outputs:
        written = uri.partition("?")[0].removeprefix("record:").removeprefix("jsonl:")
        if Path(written).resolve() == read:
            raise UsageError(f"{uri}: is the source, which the output would overwrite; choose another --out")


def has_screen() -> bool:
    """True where the installed cv2 can open a window."""
    shown = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return shown and bool(cv2.currentUIFramework())
