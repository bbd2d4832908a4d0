"""`edgeseg doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER

UNWELL = 3
"""Exit code where something is wrong."""
COLOURS = {"fine": "green", "note": "cyan", "wrong": "red"}


@click.command()
@click.option("--root", type=FOLDER, metavar="DIR", help="Look at a folder that stands in for /, such as a card's.")
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.pass_context
def doctor(context: click.Context, root: Path | None, as_json: bool) -> None:
    """Tell what is wrong with this machine, and the command that mends it.

    Each probe gives a line: fine; note, where it does not apply, is optional or could not be
    asked; or wrong. Changes nothing. Exit code 0 where nothing is wrong, 3 where something is.
    """
    from edgeseg.doctor.report import examine, lines, to_json
    from edgeseg.doctor.system import recorded, this_machine

    found = []
    for name, finding in examine(recorded(root) if root else this_machine()):
        found.append((name, finding))
        if not as_json:
            first, *rest = lines(name, finding)
            state = len(finding.state)
            click.echo("\n".join([click.style(first[:state], fg=COLOURS[finding.state]) + first[state:], *rest]))
    if as_json:
        click.echo(json.dumps(to_json(found), ensure_ascii=False))
    context.exit(UNWELL if any(finding.state == "wrong" for _, finding in found) else 0)
