"""`edgeseg check`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeseg.commands.options import MODEL
from edgeseg.errors import UsageError


@click.command()
@click.argument("model", type=MODEL)
@click.option("--target", type=click.Choice(["edgetpu", "tflm"]), required=True, help="tflm: a microcontroller.")
@click.option("--min-mapped", type=click.FloatRange(0, 1), help="edgetpu: exit code 3 below this share, 0 to 1.")
@click.option("--max-arena", type=click.IntRange(1), metavar="BYTES", help="tflm: exit code 3 above this memory.")
@click.option("--json", "as_json", is_flag=True, help="Print every operator as JSON.")
def check(model: Path, target: str, min_mapped: float | None, max_arena: int | None, as_json: bool) -> None:
    """Tell which operators of the .tflite MODEL a target will run.

    edgetpu: predicted without its compiler. tflm: tried with TensorFlow Lite Micro, the
    interpreter of microcontrollers, together with the memory that it needs.
    """
    if (min_mapped is not None and target != "edgetpu") or (max_arena is not None and target != "tflm"):
        raise UsageError("--min-mapped goes with --target edgetpu, --max-arena with --target tflm")
    if target == "edgetpu":
        from converters.edgetpu.check import check_file
        from edgeseg.terminal import placement_table

        placement = check_file(model)
        click.echo(json.dumps(placement.to_json()) if as_json else placement_table(placement))
        placement.require(model, min_mapped or 0.0)
    else:
        from converters.tflm.check import check_file as try_file
        from edgeseg.terminal import trial_table

        trial = try_file(model)
        click.echo(json.dumps(trial.to_json()) if as_json else trial_table(trial))
        trial.require(model, max_arena)
