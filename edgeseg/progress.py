"""One line in a terminal that is written over while something takes its time."""

from __future__ import annotations

import sys

import click

WIDTH = 80


class ProgressLine:
    """One line on standard error that is written over; silent where that is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._width = WIDTH - 1
        if self._shown:
            from shutil import get_terminal_size  # here: a service on a board has no terminal, and starts the sooner

            self._width = min(get_terminal_size((WIDTH, 24)).columns, WIDTH) - 1

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            click.echo("\r" + text[: self._width].ljust(self._width), err=True, nl=False)

    def count(self, what: str, done: int, total: int) -> None:
        """Replace the line by a bar; by a count alone where `total` is 0, for nobody knows it."""
        self.show(f"{bar(done, total)} {what} {done}/{total}" if total else f"{what} {done}")

    def clear(self) -> None:
        """Take the line away, so that what follows starts a clean one."""
        clear_line()


def clear_line() -> None:
    """Leave an empty line on standard error where a progress line may stand."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def bar(done: int, total: int, width: int = 16) -> str:
    """A bar of `width` cells."""
    full = width * done // max(1, total)
    return "█" * full + "░" * (width - full)
