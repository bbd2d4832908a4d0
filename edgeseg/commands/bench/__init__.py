"""`edgeseg bench`: measure on this machine, as ratios within one run."""

from __future__ import annotations

import click

from edgeseg.commands.bench.loader import bench_loader
from edgeseg.commands.bench.loop import bench_loop
from edgeseg.commands.bench.model import bench_model


class ModelOrCommand(click.Group):
    """A group where what is no command is a MODEL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `model` before arguments that begin with none of the commands."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["model", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ModelOrCommand)
def bench() -> None:
    """Measure on this machine, as ratios within one run.

    edgeseg bench MODEL is short for edgeseg bench model MODEL.
    """


for command in (bench_model, bench_loop, bench_loader):
    bench.add_command(command)
