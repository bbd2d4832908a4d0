"""`edgeseg zoo`."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from edgeseg.commands.options import FOLDER
from edgeseg.errors import UsageError


class Data(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """TASK=DIR, such as street=data/camvid."""

    name = "TASK=DIR"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Path]:
        """(task, folder) from its text."""
        if isinstance(value, tuple):
            return value
        task, _, folder = str(value).partition("=")
        if not (task and folder):
            self.fail(f"'{value}' is no task with its data; write them as in street=data/camvid", param, ctx)
        return task, Path(folder)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of them as JSON.")
@click.pass_context
def zoo(context: click.Context, as_json: bool) -> None:
    """List the models that come with edgeseg; any command takes their names."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise UsageError(f"--json comes last:  edgeseg zoo {context.invoked_subcommand} --json")
        return
    from edgeseg.commands.zoo_tables import listing
    from edgeseg.zoo import entries

    found = entries()
    click.echo(json.dumps([each.to_json() for each in found]) if as_json else listing(found))


@zoo.command("table")
@click.option("--data", "sets", type=Data(), multiple=True, help="Labelled set for a task's models; repeatable.")
@click.option("--split", default="val", show_default=True, help="Part of the sets to score on.")
@click.option("--threads", type=click.IntRange(1), help="Time 1 to so many.  [default: the cores, at most 4]")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1), help="To time each model.")
@click.option("-o", "--out", type=FOLDER, metavar="FILE.md", help="Write the table there.  [default: show it]")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def zoo_table(
    sets: tuple[tuple[str, Path], ...],
    split: str,
    threads: int | None,
    seconds: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure every model of the zoo anew: size, mIoU, int8's cost, speed here.

    Without the data of its task a model's mIoU stays unknown. What a board would do is
    projected from published rates.
    """
    from converters.zoo import measure
    from edgeseg.commands.zoo_tables import markdown
    from edgeseg.files import replacing
    from edgeseg.progress import ProgressLine
    from edgeseg.zoo import entries

    line = ProgressLine()
    with replacing(out) if out else nullcontext() as file:  # refused now, not after minutes of measuring
        found = list(measure(entries(), dict(sets), split, threads, seconds, line.count))
        if file:
            file.write_text(markdown(found) + "\n", encoding="utf-8")
    line.clear()
    if as_json:
        click.echo(json.dumps([each.to_json() for each in found]))
    else:
        click.echo(f"wrote {out}" if out else markdown(found))
