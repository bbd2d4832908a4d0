"""`edgeseg live`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER
from edgeseg.errors import UsageError


@click.command()
@click.argument("model", type=FOLDER)
@click.option("--source", default="0", show_default=True, help="belt:  0  camera:/dev/video0  clip.mp4  a folder")
@click.option("--out", multiple=True, help="out.mp4  masks/  window:  Repeatable.")
@click.option("--frames", type=click.IntRange(1), help="Stop after so many.")
@click.option("--threads", type=click.IntRange(1), help="[default: the cores, at most 4]")
@click.option("--labels", type=FOLDER, help="labels.txt for a model that carries none.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def live(
    model: Path,
    source: str,
    out: tuple[str, ...],
    frames: int | None,
    threads: int | None,
    labels: Path | None,
    as_json: bool,
) -> None:
    """Segment what a camera, video, folder or the rendered belt shows with the .tflite MODEL."""
    from edgeseg.labels import read_labels
    from edgeseg.live import run
    from edgeseg.progress import ProgressLine
    from edgeseg.segmenter import Segmenter
    from edgeseg.sources import open_source
    from edgeseg.terminal import live_line, live_summary

    line = ProgressLine()
    segmenter = Segmenter(model, threads, read_labels(labels) if labels else None)
    for note in segmenter.notes:
        click.echo(f"note: {note}", err=True)
    for uri in out:
        if Path(uri).resolve() == Path(source).resolve():
            raise UsageError(f"{uri}: is the source, which the output would overwrite; choose another --out")
    stats = run(segmenter, open_source(source), out, frames, lambda now: line.show(live_line(now)))
    line.clear()
    click.echo(json.dumps(stats.to_json()) if as_json else live_summary(stats, out))
