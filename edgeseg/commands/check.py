"""`edgeseg check`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER


@click.command()
@click.argument("model", type=FOLDER)
@click.option("--target", type=click.Choice(["edgetpu"]), required=True)
@click.option("--min-mapped", default=0.0, type=click.FloatRange(0, 1), help="Exit code 3 below this share, 0 to 1.")
@click.option("--json", "as_json", is_flag=True, help="Print every operator as JSON.")
def check(model: Path, target: str, min_mapped: float, as_json: bool) -> None:
    """Predict which operators of the .tflite MODEL the Edge TPU will run, without its compiler."""
    from converters.edgetpu.check import check_file
    from edgeseg.terminal import placement_table

    report = check_file(model)
    click.echo(json.dumps(report.to_json()) if as_json else placement_table(report))
    report.require(model, min_mapped)
