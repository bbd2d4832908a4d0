"""What people see of many boards: a line each that moves, or one for each step where there is no terminal."""

from __future__ import annotations

import sys
import time

import click

from edgeseg.deploy.address import Address
from edgeseg.progress import WIDTH, bar

TITLE, BAR = 26, 12
"""Columns."""
PERIOD_S = 0.1


class Lines:
    """On standard error; boards that are done leave it."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty()
        self._width, self._height = WIDTH - 1, 24
        if self._moves:
            from shutil import get_terminal_size

            size = get_terminal_size((WIDTH, 24))
            self._width, self._height = min(size.columns, WIDTH) - 1, size.lines
        self._lines: dict[Address, str] = {}
        self._stages: dict[Address, str] = {}
        self._shown, self._at = 0, 0.0

    def watch(self, address: Address, stage: str, done: int, total: int) -> None:
        """A board's stage, and how much of how much is done; 'done' and 'failed' end its line."""
        new = self._stages.get(address) != stage
        self._stages[address] = stage
        if stage in ("done", "failed"):
            self._lines.pop(address, None)
        else:
            much = f"{bar(done, total, BAR)} {done / 1e6:.1f}/{total / 1e6:.1f} MB " if total else ""
            self._lines[address] = f"{fitted(address.title)}  {much}{stage}"
        if not self._moves:
            if new:
                click.echo(f"{address.title}: {stage}", err=True)
        elif new or time.monotonic() - self._at > PERIOD_S:
            self._draw()

    def clear(self) -> None:
        """Take all lines away."""
        self._lines.clear()
        if self._moves:
            self._draw()

    def _draw(self) -> None:
        self._at = time.monotonic()
        shown = [line[: self._width] for line in self._lines.values()]
        room = max(1, self._height - 2)
        if len(shown) > room:
            shown = [*shown[: room - 1], f"… and {len(shown) - room + 1} more"]
        up = f"\x1b[{self._shown}A" if self._shown else ""
        click.echo("\r" + up + "\x1b[J" + "".join(f"{line}\n" for line in shown), err=True, nl=False)
        self._shown = len(shown)


def fitted(title: str) -> str:
    """As wide as all titles; of a long one, its end is left out."""
    return (title if len(title) <= TITLE else f"{title[: TITLE - 1]}…").ljust(TITLE)
