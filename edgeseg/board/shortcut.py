"""`edgeseg` as a command of the board, for who logs in: it is the one of the release that runs."""

from __future__ import annotations

from contextlib import suppress

from edgeseg.board.durable import put
from edgeseg.board.layout import PACKAGES, Layout

MARK = "# Made by edgeseg for the release that runs; it is replaced with it."
COMMAND = """#!/bin/sh
{mark}
PYTHONPATH={current}/{packages} exec /usr/bin/python3 -P -m edgeseg "$@"
"""
MODE = 0o755


def put_command(layout: Layout) -> None:
    """Where somebody has put another `edgeseg`, that stays; where it cannot be written, nothing stops."""
    text = COMMAND.format(mark=MARK, current=layout.current, packages=PACKAGES)
    before = MARK
    with suppress(OSError):
        if layout.command.exists():
            before = layout.command.read_text(errors="replace")
        if MARK in before and before != text:
            put(layout.command, text, MODE)
