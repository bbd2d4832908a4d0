"""`edgeseg quantize`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgeseg.commands.options import FOLDER, IGNORE, WEIGHTS


class Range(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """LOW,HIGH, such as 0,1."""

    name = "LOW,HIGH"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        """(low, high) from its text."""
        try:
            low, high = map(float, str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is no range; write what black and white are, as in 0,1", param, ctx)
        return low, high


@click.command()
@click.argument("sources", metavar="RUN|MODEL...", type=WEIGHTS, nargs=-1, required=True)
@click.option("--calibrate", required=True, type=FOLDER, metavar="DIR", help="A labelled set, or a folder of images.")
@click.option("-o", "--out", required=True, type=FOLDER, help="The .tflite to write; a folder for several.")
@click.option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="NAME",
    help="float32, float16, dynamic, int8, int16x8, mixed, qat or all; repeatable.  [default: int8]",
)
@click.option(
    "--output",
    metavar="KIND",
    help="labels (a class map), logits (scores at the network's stride) or scores (at the input's size).  "
    "[default: labels; with --format c: logits]",
)
@click.option("--input", default="uint8", show_default=True, help="uint8 or int8 pixels.")
@click.option("--frames", default=100, show_default=True, help="Images to calibrate with.")
@click.option(
    "--max-drop", type=float, help="Points of mIoU it may cost; below 0 it must gain.  [default: 1.0; mixed: 0.3]"
)
@click.option("--max-class-drop", type=float, help="Points of IoU it may cost a class.  [default: 3.0]")
@click.option(
    "--min-agreement",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of pixels that must stay the same.",
)
@click.option("--keep-float", multiple=True, metavar="REGEX", help="mixed: layers that stay float; no search.")
@click.option("--input-range", type=Range(), help="What black and white are to a model that does not say it.")
@click.option("--labels", type=click.Path(), metavar="FILE", help="Class names for a model that carries none.")
@click.option(
    "--format", "kind", type=click.Choice(["tflite", "c"]), default="tflite", help="c: model.h and model.cc too."
)
@click.option("--report/--no-report", default=True, help="Write NAME_report/report.html and .json beside the model.")
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def quantize(
    sources: tuple[Path, ...],
    calibrate: Path,
    out: Path,
    schemes: tuple[str, ...],
    kind: str,
    output: str | None,
    report: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Convert RUN (a run folder), a .keras, a SavedModel, a float .tflite or a name in the zoo.

    The result proves itself against its source: what it costs by class is in the report beside
    it, and a model that loses too much is not written (exit code 3).
    """
    from converters.batch import convert_all
    from converters.job import Options
    from converters.plan import plan
    from converters.report.text import overview, summary
    from edgeseg.progress import ProgressLine

    line, done = ProgressLine(), []
    chosen = Options(output=output or ("logits" if kind == "c" else None), **options)
    steps = plan(sources, schemes or ("int8",), out)
    for each in convert_all(steps, calibrate, chosen, report, kind == "c", line.count):
        line.clear()
        done.append(each)
        if each.result and not as_json:
            click.echo("\n".join([summary(each.result), *(f"wrote {path}" for path in each.files), ""]))
        if each.error and len(steps) > 1:
            click.echo(f"{each.step.out.name}: {each.error}", err=True)
    results = [each.result for each in done if each.result]
    if as_json:
        click.echo(json.dumps([each.to_json() for each in results] if len(steps) > 1 else results[0].to_json()))
    elif len(results) > 1:
        click.echo(overview(results))
    for each in done:
        if each.error:
            raise each.error
