"""`edgeseg evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER, IGNORE, MODEL


@click.command()
@click.argument("model", type=MODEL)
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("--split", default="val", show_default=True)
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print fractions of 1 as JSON.")
def evaluate(model: Path, folder: Path, split: str, ignore: tuple[int, ...], as_json: bool) -> None:
    """Score MODEL (a run folder, .keras, .tflite or a name in the zoo) on DATA, the same way for each."""
    from edgeseg.evaluate import evaluate_file
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import scores_table

    line = ProgressLine()
    found = evaluate_file(model, folder, split, ignore, lambda *at: line.count("segmented", *at))
    line.clear()
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        click.echo(f"{model} on {found.images} images of {folder} ({split})\n")
        click.echo(scores_table([found], [split]))
