"""`edgeseg selftest`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER


@click.command()
@click.argument("bundle", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print each stage of each frame as JSON.")
def selftest(bundle: Path, as_json: bool) -> None:
    """Run the golden frames of BUNDLE, a .edgeseg file or its folder, on this machine.

    Each stage (decode, resize, colour, model, argmax) is judged alone; exit code 3 names
    those that differ.
    """
    from edgeseg.progress import ProgressLine
    from edgeseg.selftest.run import selftest as run

    line = ProgressLine()
    report = run(bundle, lambda *at: line.count("tested", *at))
    line.clear()
    if as_json:
        click.echo(json.dumps(report.to_json()))
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    report.require()
    if not as_json:
        frames = len({each.frame for each in report.outcomes})
        click.echo(
            f"{report.bundle} {report.release}: fine, {frames} golden frames with {' and '.join(report.models)}; "
            f"{report.agreement:.2%} of the pixels are the same"
        )
