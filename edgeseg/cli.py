"""The commands: parse, one call, print. Exit codes are in the README."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from edgeseg import __version__
from edgeseg.errors import EdgesegError, UsageError
from edgeseg.progress import clear_line

FOLDER = click.Path(path_type=Path)
INTERRUPTED = 130


class Size(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """HxW, such as 240x320."""

    name = "HxW"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """(height, width) from its text."""
        if isinstance(value, tuple):
            return value
        height, _, width = str(value).lower().partition("x")
        if not (height.isdigit() and width.isdigit()):
            self.fail(f"'{value}' is no size; write height x width, as in 240x320", param, ctx)
        return int(height), int(width)


SIZE = Size()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="edgeseg")
def cli() -> None:
    """From a folder of labelled images to a board that segments its camera."""


# ---- data ----


@cli.group()
def data() -> None:
    """Check labelled images, or render the built-in set."""


IGNORE = click.option(
    "--ignore", type=click.IntRange(0, 255), multiple=True, metavar="ID", help="Leave this class id out; repeatable."
)


@data.command("check")
@click.argument("folder", type=FOLDER)
@IGNORE
def data_check(folder: Path, ignore: tuple[int, ...]) -> None:
    """Read every image and mask in FOLDER and name what is wrong. Exit code 1 if anything is."""
    from edgeseg.data.check import check
    from edgeseg.data.dataset import open_dataset
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import counted, histogram

    line = ProgressLine()
    report = check(open_dataset(folder, ignore), lambda *at: line.count("read", *at))
    line.clear()
    for problem in report.problems:
        click.echo(problem)
    if report.problems:
        click.echo()
    click.echo(histogram(report))
    images = ", ".join(f"{count} {split}" for split, count in report.images.items())
    click.echo(
        f"\n{images}: " + (f"{counted(len(report.problems), 'problem')}" if report.problems else "fit for training")
    )
    sys.exit(1 if report.problems else 0)


@data.command("belt")
@click.argument("folder", type=FOLDER)
@click.option("--train", default=240, show_default=True, type=click.IntRange(1), help="Images to train on.")
@click.option("--val", default=48, show_default=True, type=click.IntRange(1), help="Images to validate on.")
@click.option("--size", type=SIZE, default="192x256", show_default=True)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def data_belt(folder: Path, train: int, val: int, size: tuple[int, int], seed: int) -> None:
    """Render the conveyor belt with exact masks into the new FOLDER."""
    from edgeseg.data.belt import write_belt
    from edgeseg.progress import ProgressLine

    line = ProgressLine()
    write_belt(folder, {"train": train, "val": val}, size, seed, lambda *at: line.count("rendered", *at))
    line.clear()
    click.echo(f"{folder}: {train} images to train on, {val} to validate, labels in labelmap.txt")


# ---- training ----


@cli.command()
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("-o", "--out", required=True, type=FOLDER, help="The run folder to make.")
@click.option("--model", help="fcn, nano or small.  [default: small]")
@click.option("--size", type=SIZE, help="Input height x width.  [default: 240x320]")
@click.option("--grey", "channels", flag_value=1, type=int, help="Train on grey images.")
@click.option("--epochs", type=int, help="[default: 100]")
@click.option("--batch", type=int, help="Images a step.  [default: 8]")
@click.option("--learning-rate", type=float, help="Its peak.  [default: 0.002]")
@click.option("--loss", help="ce, focal or dice.  [default: ce]")
@click.option("--class-power", type=float, help="Weigh classes by their share to minus this.  [default: 0.25]")
@click.option("--loss-stride", type=int, help="1: sharper edges, 2: faster steps.  [default: 2]")
@click.option("--patience", type=int, help="Stop after so many epochs without a better mIoU; 0 never.  [default: 0]")
@click.option("--precision", help="auto, float32, mixed_bfloat16 or mixed_float16.  [default: auto]")
@click.option("--seed", type=int, help="[default: 0]")
@IGNORE
@click.option("--resume", is_flag=True, help="Continue the run with its own settings; only --epochs may change.")
@click.option("--force", is_flag=True, help="Replace an existing run.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard too (extra: tensorboard).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def train(
    folder: Path,
    out: Path,
    ignore: tuple[int, ...],
    resume: bool,
    force: bool,
    tensorboard: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a network on the labelled images in DATA."""
    from edgeseg.terminal import TrainingDisplay
    from edgeseg.training import start
    from edgeseg.training.run import TrainConfig

    given = {name: value for name, value in settings.items() if value is not None}
    show = TrainingDisplay(out)
    if resume:
        if force or ignore or set(given) - {"epochs"}:
            extra = "force" if force else "ignore" if ignore else sorted(set(given) - {"epochs"})[0].replace("_", "-")
            raise UsageError(f"--resume continues with the run's own settings; leave out --{extra}")
        outcome = start.resume(folder, out, given.get("epochs"), tensorboard, show.checked, show.progress)
    else:
        config = TrainConfig(**given)
        outcome = start.train(folder, out, config, ignore, force, tensorboard, show.checked, show.progress)
    show.finish(outcome, as_json)
    if outcome.interrupted:
        sys.exit(INTERRUPTED)


# ---- models ----


@cli.command()
@click.argument("model", type=FOLDER)
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("--split", default="val", show_default=True)
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print fractions of 1 as JSON.")
def evaluate(model: Path, folder: Path, split: str, ignore: tuple[int, ...], as_json: bool) -> None:
    """Score MODEL (a run folder, .keras or .tflite) on DATA, the same way for each."""
    from edgeseg.evaluate import evaluate_file
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import scores_table

    line = ProgressLine()
    found = evaluate_file(model, folder, split, ignore, lambda *at: line.count("segmented", *at))
    line.clear()
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        click.echo(f"{model} on {found.images} images of {folder} ({split})\n")
        click.echo(scores_table([found], [split]))


@cli.command()
@click.argument("source", metavar="RUN|MODEL", type=FOLDER)
@click.option("--calibrate", required=True, type=FOLDER, metavar="DIR", help="A labelled set, or a folder of images.")
@click.option("--scheme", default="int8", show_default=True, help="int8 or float32.")
@click.option("-o", "--out", required=True, type=FOLDER, help="The .tflite to write.")
@click.option("--output", default="labels", show_default=True, help="labels (a class map) or logits (scores).")
@click.option("--input", "input_type", default="uint8", show_default=True, help="uint8 or int8 pixels.")
@click.option("--frames", default=100, show_default=True, help="Images to calibrate with.")
@click.option(
    "--min-agreement",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of pixels that must stay the same.",
)
@IGNORE
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def quantize(source: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Convert RUN (a run folder) or a .keras MODEL to a .tflite that has proved itself."""
    from converters.convert import convert
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import percent

    line = ProgressLine()
    result = convert(source, out, on_progress=line.count, **options)
    line.clear()
    if as_json:
        click.echo(json.dumps({"model": str(out), **vars(result), "drop": result.drop}))
        return
    calibrated = f", calibrated on {result.calibration} images" if options["scheme"] != "float32" else ""
    click.echo(f"{out}: {result.bytes / 1000:.0f} kB, {options['scheme']}{calibrated}")
    click.echo(f"agrees with its source on {percent(result.agreement)} of the pixels of {result.held_out} others")
    if result.miou is not None and result.float_miou is not None:
        worst = max(result.drops, key=lambda name: result.drops[name])
        before, after = percent(result.float_miou), percent(result.miou)
        click.echo(f"val mIoU {before} before, {after} after: a drop of {result.drop:.2f} points")
        click.echo(f"largest drop of a class: {worst}, {result.drops[worst]:.2f} points")
    else:
        click.echo("no masks to score it with: mIoU was not measured")


@cli.command()
@click.argument("model", type=FOLDER)
@click.option("--target", type=click.Choice(["edgetpu"]), required=True)
@click.option("--min-mapped", default=0.0, type=click.FloatRange(0, 1), help="Exit code 3 below this share, 0 to 1.")
@click.option("--json", "as_json", is_flag=True, help="Print every operator as JSON.")
def check(model: Path, target: str, min_mapped: float, as_json: bool) -> None:
    """Predict which operators of the .tflite MODEL the Edge TPU will run, without its compiler."""
    from converters.edgetpu import check_file
    from edgeseg.terminal import placement_table

    report = check_file(model)
    click.echo(json.dumps(report.to_json()) if as_json else placement_table(report))
    report.require(model, min_mapped)


@cli.command()
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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `systemctl stop` ends a loop as Ctrl-C does
    stats = run(segmenter, open_source(source), out, frames, lambda now: line.show(live_line(now)))
    line.clear()
    click.echo(json.dumps(stats.to_json()) if as_json else live_summary(stats, out))


@cli.group()
def bench() -> None:
    """Measure on this machine, as ratios within one run."""


@bench.command("loader")
@click.argument("folder", metavar="DATA", type=FOLDER)
@click.option("--model", default="small", show_default=True)
@click.option("--size", type=SIZE, default="240x320", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the rates as JSON.")
def bench_loader(folder: Path, model: str, size: tuple[int, int], as_json: bool) -> None:
    """Compare the step rate on DATA with the rate on one batch kept in memory."""
    from edgeseg.training.benchmark import measure
    from edgeseg.training.run import TrainConfig

    loaded, cached = measure(folder, TrainConfig(model=model, size=size))
    if as_json:
        click.echo(json.dumps({"loaded": loaded, "cached": cached, "ratio": loaded / cached}))
    else:
        click.echo(f"{loaded:.3f} steps/s with data, {cached:.3f} on one batch: ratio {loaded / cached:.3f}")


@cli.command()
@click.option("-o", "--out", default="demo", show_default=True, type=FOLDER, help="The folder to make.")
@click.option("--epochs", default=None, type=click.IntRange(1), help="Fewer for a quicker, worse demo.")
@click.option("--force", is_flag=True, help="Replace an earlier demo.")
def demo(out: Path, epochs: int | None, force: bool) -> None:
    """Run the whole chain on the built-in belt: render, train, quantize, evaluate, live."""
    from edgeseg.demo import run_demo
    from edgeseg.progress import ProgressLine
    from edgeseg.terminal import TrainingDisplay

    show = TrainingDisplay(out)
    line = ProgressLine()
    for text in run_demo(out, epochs, force, line.count, show.progress):
        line.clear()
        click.echo(text)


def main() -> None:
    """Run the command line; every error that a user can mend is one line and an exit code."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EdgesegError as error:
        clear_line()
        click.echo(f"edgeseg: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        clear_line()
        click.echo("edgeseg: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"edgeseg: {where}{error.strerror or error}", err=True)
        sys.exit(1)
