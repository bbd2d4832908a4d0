"""`edgeseg boards`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeseg.boards import Board

COLUMNS = 80


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of them as JSON.")
def boards(as_json: bool) -> None:
    """List the boards that edgeseg knows, and how each is set up."""
    from dataclasses import asdict

    from edgeseg.boards import BOARDS

    click.echo(json.dumps([asdict(board) for board in BOARDS]) if as_json else _told(BOARDS))


def _told(known: Iterable[Board]) -> str:
    from edgeseg.terminal import table

    rows = [[board.name, ", ".join(board.ways) or "with it", board.description] for board in known]
    notes = [f"{board.name} also needs {', '.join(board.needs)}." for board in known if board.needs]
    untried = [board.name for board in known if not board.tried]
    if untried:
        notes.append(f"Not tried on hardware: {', '.join(untried)}.")
    notes.append("flash: edgeseg flash writes its card. ssh: it runs already, and is set up over SSH.")
    wrapped = [textwrap.fill(each, COLUMNS, break_on_hyphens=False) for each in notes]
    return "\n".join([table(["board", "set up by", "what it is"], rows, left=(0, 1, 2)), "", *wrapped])
