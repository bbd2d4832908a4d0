"""`edgeseg bench MODEL`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import MODEL


@click.command("model")
@click.argument("model", type=MODEL)
@click.option("--against", type=MODEL, metavar="OTHER", help="A second .tflite, such as the float one, in turns.")
@click.option("--threads", type=click.IntRange(1), help="Measure 1 to so many.  [default: the cores, at most 4]")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1), help="For the latencies.")
@click.option("--slowest", default=10, show_default=True, type=click.IntRange(0), help="Operators to name.")
@click.option("--runtime", help="litert, tflite-runtime or reference (without XNNPACK).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench_model(
    model: Path,
    against: Path | None,
    threads: int | None,
    seconds: float,
    slowest: int,
    runtime: str | None,
    as_json: bool,
) -> None:
    """Time the .tflite MODEL and its operators, and say what it would take on the boards."""
    from converters.tflite.macs import macs_by_type
    from converters.tflite.operator_times import time_operators
    from converters.tflite.operators import operators
    from edgeseg.bench.model import bench_files
    from edgeseg.bench.projection import project
    from edgeseg.commands.bench.tables import board_table, latency_table, operator_table
    from edgeseg.progress import ProgressLine

    line = ProgressLine()
    report = bench_files(
        model, against, threads, seconds, runtime, lambda *at: line.count("seconds", int(at[0]), int(at[1]))
    )
    data = model.read_bytes()
    times = time_operators(data, report.fastest.threads, runtime, lambda *at: line.count("rounds", *at))
    macs = macs_by_type(operators(data))
    line.clear()
    boards = project(macs)
    if as_json:
        found = {**report.to_json(), "macs": macs, "operators": times.to_json()}
        click.echo(json.dumps({**found, "boards": [each.to_json() for each in boards]}))
    else:
        texts = [latency_table(report, sum(macs.values())), operator_table(times, slowest), board_table(boards)]
        click.echo("\n\n".join(texts))
