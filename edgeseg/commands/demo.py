"""`edgeseg demo`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeseg.commands.options import FOLDER


@click.command()
@click.option("-o", "--out", default="demo", show_default=True, type=FOLDER, help="The folder to make.")
@click.option("--epochs", default=None, type=click.IntRange(1), help="Fewer for a quicker, worse demo.")
@click.option("--force", is_flag=True, help="Replace an earlier demo.")
def demo(out: Path, epochs: int | None, force: bool) -> None:
    """Run the whole chain on the built-in belt: render, train, quantize, evaluate, live."""
    from edgeseg.demo import run_demo
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import TrainingDisplay

    show = TrainingDisplay(out)
    line = ProgressLine()
    for text in run_demo(out, epochs, force, line.count, show.progress):
        line.clear()
        click.echo(text)
