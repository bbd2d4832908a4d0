"""`edgeseg quantize`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgeseg.commands.options import FOLDER, IGNORE


@click.command()
@click.argument("source", metavar="RUN|MODEL", type=FOLDER)
@click.option("--calibrate", required=True, type=FOLDER, metavar="DIR", help="A labelled set, or a folder of images.")
@click.option("--scheme", default="int8", show_default=True, help="int8 or float32.")
@click.option("-o", "--out", required=True, type=FOLDER, help="The .tflite to write.")
@click.option("--output", default="labels", show_default=True, help="labels (a class map) or logits (scores).")
@click.option("--input", "input_type", default="uint8", show_default=True, help="uint8 or int8 pixels.")
@click.option("--frames", default=100, show_default=True, help="Images to calibrate with.")
@click.option(
    "--min-agreement",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of pixels that must stay the same.",
)
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def quantize(source: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Convert RUN (a run folder) or a .keras MODEL to a .tflite that has proved itself."""
    from converters.convert import convert
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import percent

    line = ProgressLine()
    result = convert(source, out, on_progress=line.count, **options)
    line.clear()
    if as_json:
        click.echo(json.dumps({"model": str(out), **vars(result), "drop": result.drop}))
        return
    calibrated = f", calibrated on {result.calibration} images" if options["scheme"] != "float32" else ""
    click.echo(f"{out}: {result.bytes / 1000:.0f} kB, {options['scheme']}{calibrated}")
    click.echo(f"agrees with its source on {percent(result.agreement)} of the pixels of {result.held_out} others")
    if result.miou is not None and result.float_miou is not None:
        worst = max(result.drops, key=lambda name: result.drops[name])
        before, after = percent(result.float_miou), percent(result.miou)
        click.echo(f"val mIoU {before} before, {after} after: a drop of {result.drop:.2f} points")
        click.echo(f"largest drop of a class: {worst}, {result.drops[worst]:.2f} points")
    else:
        click.echo("no masks to score it with: mIoU was not measured")
