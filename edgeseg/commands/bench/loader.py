"""`edgeseg bench loader`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER, SIZE


@click.command("loader")
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("--model", default="small", show_default=True)
@click.option("--size", type=SIZE, default="240x320", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the rates as JSON.")
def bench_loader(folder: Path, model: str, size: tuple[int, int], as_json: bool) -> None:
    """Compare the step rate on DATA with the rate on one batch kept in memory."""
    from edgeseg.training.benchmark import measure
    from edgeseg.training.run import TrainConfig

    loaded, cached = measure(folder, TrainConfig(model=model, size=size))
    if as_json:
        click.echo(json.dumps({"loaded": loaded, "cached": cached, "ratio": loaded / cached}))
    else:
        click.echo(f"{loaded:.3f} steps/s with data, {cached:.3f} on one batch: ratio {loaded / cached:.3f}")
