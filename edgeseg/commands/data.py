"""`edgeseg data`: check labelled images, or render the built-in set."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER, IGNORE, SIZE


@click.group()
def data() -> None:
    """Check labelled images, or render the built-in set."""


@data.command("check")
@click.argument("folder", type=FOLDER)
@IGNORE
def data_check(folder: Path, ignore: tuple[int, ...]) -> None:
    """Read every image and mask in FOLDER and name what is wrong. Exit code 1 if anything is."""
    from edgeseg.data.check import check
    from edgeseg.data.dataset import open_dataset
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import counted, histogram

    line = ProgressLine()
    report = check(open_dataset(folder, ignore), lambda *at: line.count("read", *at))
    line.clear()
    for problem in report.problems:
        click.echo(problem)
    if report.problems:
        click.echo()
    click.echo(histogram(report))
    images = ", ".join(f"{count} {split}" for split, count in report.images.items())
    click.echo(
        f"\n{images}: " + (f"{counted(len(report.problems), 'problem')}" if report.problems else "fit for training")
    )
    sys.exit(1 if report.problems else 0)


@data.command("belt")
@click.argument("folder", type=FOLDER)
@click.option("--train", default=240, show_default=True, type=click.IntRange(1), help="Images to train on.")
@click.option("--val", default=48, show_default=True, type=click.IntRange(1), help="Images to validate on.")
@click.option("--size", type=SIZE, default="192x256", show_default=True)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def data_belt(folder: Path, train: int, val: int, size: tuple[int, int], seed: int) -> None:
    """Render the conveyor belt with exact masks into the new FOLDER."""
    from edgeseg.data.belt import write_belt
    from edgeseg.progress import ProgressLine

    line = ProgressLine()
    write_belt(folder, {"train": train, "val": val}, size, seed, lambda *at: line.count("rendered", *at))
    line.clear()
    click.echo(f"{folder}: {train} images to train on, {val} to validate, labels in labelmap.txt")
