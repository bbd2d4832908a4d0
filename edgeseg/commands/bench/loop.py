"""`edgeseg bench loop`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import FOLDER, MODEL_OR_URI


@click.command("loop")
@click.argument("model", metavar="MODEL", type=MODEL_OR_URI)
@click.option("--only", multiple=True, metavar="NAME", help="mask, overlay, throughput, age, mediapipe, page, …")
@click.option("--soak", is_flag=True, help="Watch the memory over 20,000 frames too.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="Of the network.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1), help="More: steadier medians.")
@click.option("--mediapipe", type=FOLDER, metavar="PYTHON", help="A Python that has MediaPipe.  [default: this one]")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench_loop(
    model: str, only: tuple[str, ...], soak: bool, threads: int, rounds: int, mediapipe: Path | None, as_json: bool
) -> None:
    """Measure what the live loop adds to the .tflite MODEL, each figure against its goal."""
    from edgeseg.bench import machine
    from edgeseg.bench.result import Setting
    from edgeseg.bench.rows import chosen, measure
    from edgeseg.commands.bench.tables import result_table
    from edgeseg.progress import ProgressLine

    names, setting = chosen(only, soak), Setting(model, threads, rounds, mediapipe=mediapipe)
    line, results = ProgressLine(), []
    for result in measure(setting, names):
        results.append(result)
        line.show(f"measured {result.what}")
    line.clear()
    if as_json:
        click.echo(
            json.dumps({"machine": machine.name(), "model": model, "rows": [each.to_json() for each in results]})
        )
    else:
        click.echo(f"{machine.name()}, {Path(model).name}\n\n{result_table(results)}")
