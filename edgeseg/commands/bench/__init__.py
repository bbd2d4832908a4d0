"""`edgeseg bench`: measure on this machine, as ratios within one run."""

from __future__ import annotations

import click

from edgeseg.commands.bench.loader import bench_loader
from edgeseg.commands.bench.loop import bench_loop
from edgeseg.commands.bench.model import bench_model
from edgeseg.commands.options import ModelOrCommand


@click.group(cls=ModelOrCommand)
def bench() -> None:
    """Measure on this machine, as ratios within one run.

    edgeseg bench MODEL is short for edgeseg bench model MODEL.
    """


for command in (bench_model, bench_loop, bench_loader):
    bench.add_command(command)
