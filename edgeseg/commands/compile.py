"""`edgeseg compile`."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.commands.options import FOLDER, MODEL

if TYPE_CHECKING:
    from converters.edgetpu.compiled import Compiled


@click.command()
@click.argument("model", type=MODEL)
@click.option("-o", "--out", type=FOLDER, metavar="DIR", help="[default: the model's; of one in the zoo, this one]")
@click.option("--retries", default=3, show_default=True, type=click.IntRange(1), help="Tries; it fails at random.")
@click.option("--timeout", default=180.0, show_default=True, type=click.FloatRange(1), help="Seconds for each try.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def compile(model: Path, out: Path | None, retries: int, timeout: float, as_json: bool) -> None:
    """Compile the int8 .tflite MODEL for the Edge TPU, with Coral's edgetpu_compiler."""
    from converters.edgetpu.compile import compile_model, plan
    from edgeseg.terminal import placement_table
    from edgeseg.zoo.shelf import shelf

    if out is None and model.parent == shelf():
        out = Path()  # the zoo's own folder holds what it came with
    planned = plan(model)
    if not as_json:
        click.echo("Predicted:\n" + placement_table(planned.report) + "\n")

    def say(line: str) -> None:
        click.echo(line, err=True)

    result = compile_model(planned, out, retries, timeout, say)
    click.echo(json.dumps(result.to_json()) if as_json else _table(result))


def _table(result: Compiled) -> str:
    """What became of the operators, within 80 columns."""
    from converters.edgetpu.rules import MAPPED
    from edgeseg.terminal import counted, percent, table

    rows = [[kind.op[:24], str(kind.count), str(kind.predicted), str(kind.on_tpu)] for kind in result.kinds]
    lines = [table(["operator", "count", "predicted", "on the Edge TPU"], rows), ""]
    lines += [
        f"{kind.op}: {kind.on_tpu} on the Edge TPU, not {kind.predicted} as predicted"
        for kind in result.kinds
        if not kind.as_predicted
    ]
    lines += [
        textwrap.shorten(f"{row.count} {row.op}: {row.status}", 80, placeholder=" …")
        for row in result.log.operators
        if row.status != MAPPED
    ]
    lines += [f"{layer[:50]}: lowered to a TRANSPOSE_CONV that the compiler reads" for layer in result.lowered]
    log = result.log
    if log.cached_bytes is not None and log.streamed_bytes is not None:
        held, streamed = log.cached_bytes / 2**20, log.streamed_bytes / 2**20
        lines.append(f"weights: {held:.2f} MiB on the Edge TPU, {streamed:.2f} MiB streamed at each inference")
    parts = counted(result.subgraphs, "part")
    lines.append(f"{result.out}: {percent(result.mapped)} of the operators on the Edge TPU, in {parts}")
    return "\n".join(lines)
