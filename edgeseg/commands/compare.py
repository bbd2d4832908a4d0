"""`edgeseg compare`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import IGNORE, MODEL


@click.command()
@click.argument("first", metavar="A", type=MODEL)
@click.argument("second", metavar="B", type=MODEL)
@click.argument("data", metavar="DATA|VIDEO")
@click.option(
    "--runtimes",
    default="litert,litert",
    show_default=True,
    metavar="A,B",
    help="litert (with XNNPACK), reference (without), tflite-runtime or tflite-micro.",
)
@click.option("--split", default="val", show_default=True, help="Of a labelled set.")
@click.option("--frames", default=200, show_default=True, type=click.IntRange(1), help="Of a video, at most.")
@click.option("--min-agreement", default=0.0, type=click.FloatRange(0, 1), help="Exit code 3 below this share, 0 to 1.")
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print fractions of 1 as JSON.")
def compare(
    first: Path,
    second: Path,
    data: str,
    runtimes: str,
    split: str,
    frames: int,
    min_agreement: float,
    ignore: tuple[int, ...],
    as_json: bool,
) -> None:
    """Tell where two models, or one model on two runtimes, differ.

    A and B are run folders, .keras or .tflite files, or names in the zoo. DATA is a labelled set, which gives mIoU
    too, or anything that `edgeseg live` takes as its source.
    """
    from converters.compare import compare_files
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import comparison_table

    line = ProgressLine()
    names = tuple(runtimes.split(","))
    found = compare_files(first, second, data, names, split, frames, ignore, lambda *at: line.count("compared", *at))
    line.clear()
    click.echo(json.dumps(found.to_json()) if as_json else comparison_table(found))
    found.require(min_agreement)
