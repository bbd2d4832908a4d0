"""`edgeseg train`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeseg.commands.options import FOLDER, IGNORE, SIZE
from edgeseg.errors import INTERRUPTED, UsageError
from edgeseg.progress import ProgressLine

if TYPE_CHECKING:
    from edgeseg.labels import Labels
    from edgeseg.training.run import TrainConfig


@click.command()
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("-o", "--out", required=True, type=FOLDER, help="The run folder to make.")
@click.option("--recipe", metavar="NAME", help="Take all settings from this recipe, or TOML file; options win.")
@click.option("--model", help="fcn, nano, nano-lite0, small or medium.  [default: small]")
@click.option("--size", type=SIZE, help="Input height x width.  [default: 240x320]")
@click.option("--grey", "channels", flag_value=1, type=int, help="Train on grey images.")
@click.option("--epochs", type=int, help="[default: 100, with --qat 10]")
@click.option("--batch", type=int, help="Images a step.  [default: 8]")
@click.option("--learning-rate", type=float, help="Its peak.  [default: 0.002, with --qat 0.0001]")
@click.option("--loss", help="ce, focal or dice.  [default: ce]")
@click.option("--class-power", type=float, help="Weigh classes by their share to minus this.  [default: 0.25]")
@click.option("--loss-stride", type=int, help="1: sharper edges, 2: faster steps.  [default: 2]")
@click.option("--patience", type=int, help="Stop after so many epochs without a better mIoU; 0 never.  [default: 0]")
@click.option("--precision", help="auto, float32, mixed_bfloat16 or mixed_float16.  [default: auto]")
@click.option("--seed", type=int, help="[default: 0]")
@click.option("--weights", metavar="RUN", help="Begin from a run, .keras file or zoo name, or 'imagenet'.")
@click.option("--teacher", metavar="RUN", help="Learn from its scores too: a run, .keras file or zoo name.")
@click.option("--qat", is_flag=True, default=None, help="Train the network of --weights to bear int8.")
@click.option("--target", type=click.Choice(["edgetpu"]), help="Refuse now what the Edge TPU would not run whole.")
@IGNORE
@click.option("--devices", type=int, metavar="N", help="GPUs to use under JAX, in each process.  [default: all]")
@click.option("--resume", is_flag=True, help="Continue the run with its own settings; only --epochs may change.")
@click.option("--force", is_flag=True, help="Replace an existing run.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard too (extra: tensorboard).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def train(
    folder: Path,
    out: Path,
    target: str | None,
    ignore: tuple[int, ...],
    devices: int | None,
    resume: bool,
    force: bool,
    tensorboard: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a network on the labelled images in DATA."""
    from edgeseg.terminal import TrainingDisplay
    from edgeseg.training import start
    from edgeseg.training.settings import configure

    given = {name: value for name, value in settings.items() if value is not None}
    show = TrainingDisplay(out)
    if resume:
        asked = {"force": force, "ignore": ignore, "target": target}
        extras = [name for name, value in asked.items() if value] + sorted(set(given) - {"epochs"})
        if extras:
            extra = extras[0].replace("_", "-")
            raise UsageError(f"--resume continues with the run's own settings; leave out --{extra}")
        outcome = start.resume(
            folder,
            out,
            epochs=given.get("epochs"),
            tensorboard=tensorboard,
            devices=devices,
            on_check=show.checked,
            on_note=show.told,
            on_progress=show.progress,
        )
    else:
        config, count = configure(given), ProgressLine().count
        outcome = start.train(
            folder,
            out,
            config,
            ignore=ignore,
            force=force,
            tensorboard=tensorboard,
            devices=devices,
            approve=for_target(config, count) if target else None,
            on_check=show.checked,
            on_prepare=count,
            on_note=show.told,
            on_progress=show.progress,
        )
    from edgeseg.training.distribution import is_first, leave  # loads Keras: not before what is wrong has been told

    if is_first():
        show.finish(outcome, as_json)
    if outcome.interrupted:
        leave(INTERRUPTED)


def for_target(config: TrainConfig, on_progress: Callable[[str, int, int], None]) -> Callable[[Labels], None]:
    """What refuses, once the classes are known, a network that the Edge TPU would not run whole."""
    from converters.edgetpu.buildable import require_mapped

    def approve(labels: Labels) -> None:
        require_mapped(config.model, config.size, config.channels, labels.num_classes, on_progress)

    return approve
