"""`edgeseg live`."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from edgeseg.commands.options import FOLDER, MODEL, MODEL_OR_URI
from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.progress import ProgressLine
    from edgeseg.stats import LiveStats


CAMERA = "0"
"""The source where none is named."""


class Roi(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """x,y,w,h in pixels."""

    name = "x,y,w,h"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """(x, y, width, height) from its text."""
        parts = str(value).split(",")
        if len(parts) != 4 or not all(part.strip().isdigit() for part in parts) or "0" in parts[2:]:
            self.fail(f"'{value}' is no part of a picture; write x,y,width,height, as in 0,120,640,360", param, ctx)
        return tuple(map(int, parts))


def options_of_bundle(context: click.Context, parameter: click.Parameter, model: str | None) -> str | None:
    """Where MODEL is a bundle, the options in it become the defaults of this call."""
    from edgeseg.live.models import is_bundle

    if model is not None and Path(model).exists() and is_bundle(model):
        from edgeseg.bundle.archive import Bundle

        own = list(Bundle.open(Path(model)).manifest.live)
        context.default_map = context.command.make_parser(context).parse_args(own)[0]
    return model


def typed(name: str) -> bool:
    """Whether the user gave this option; else it is the default, or the bundle's."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


@click.command()
@click.argument("model", type=MODEL_OR_URI, required=False, is_eager=True, callback=options_of_bundle)
@click.option(
    "--source",
    help="0 (the default)  camera:/dev/video0?size=480x640  picamera:0  rtsp://…  http://…  clip.mp4  a folder  "
    "belt:  fake:",
)
@click.option("--replay", type=FOLDER, metavar="DIR", help="A recording made with --out record:DIR, as the source.")
@click.option(
    "--realtime", "as_camera", is_flag=True, help="Play a file at its own rate, and drop frames as with a camera."
)
@click.option(
    "--out",
    multiple=True,
    help="http://127.0.0.1:8080  window:  out.mp4  record:DIR  masks/  jsonl:PATH  mqtt://host/topic   Repeatable."
    "  [default: a window where there is a screen, else the page; nothing for files]",
)
@click.option(
    "--token",
    envvar="EDGESEG_TOKEN",
    show_envvar=True,
    help="What viewers from other machines must know.  [default: made at the start]",
)
@click.option("--frames", type=click.IntRange(1), help="Stop after so many.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Take each so-manyth frame.")
@click.option("--max-fps", type=click.FloatRange(0, min_open=True), help="Take no more frames a second.")
@click.option("--roi", type=Roi(), help="Take this part of each frame, in pixels.")
@click.option("--smooth", is_flag=True, help="Steady the mask where nothing moves; tell the flicker with and without.")
@click.option("--unsure", type=FOLDER, metavar="DIR", help="Keep the frames that most need a label (logits models).")
@click.option("--fallback", type=MODEL, metavar="MODEL", help="A smaller one, for when the board is too hot.")
@click.option("--invoke-limit", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True, hidden=True)
@click.option("--cores", type=click.IntRange(1), help="Threads for the network.  [default: the cores, at most 4]")
@click.option(
    "--threads",
    type=click.Choice(["auto", "1", "2"]),
    default="auto",
    show_default=True,
    help="2: outputs on a thread of their own. auto measures.",
)
@click.option("--labels", type=FOLDER, help="labels.txt for a model that carries none.")
@click.option("--list", "list_cameras", is_flag=True, help="List the cameras of this machine, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def live(
    model: str | None,
    source: str | None,
    replay: Path | None,
    as_camera: bool,
    out: tuple[str, ...],
    token: str | None,
    frames: int | None,
    every: int,
    max_fps: float | None,
    roi: tuple[int, int, int, int] | None,
    smooth: bool,
    unsure: Path | None,
    fallback: Path | None,
    invoke_limit: float,
    cores: int | None,
    threads: str,
    labels: Path | None,
    list_cameras: bool,
    as_json: bool,
) -> None:
    """Segment what a camera, stream, video, folder or the rendered belt shows.

    MODEL is a .tflite file, a name that edgeseg zoo lists, or a bundle, whose options hold
    where none is given here.

    Ctrl-C ends it well. As a service, it reads the model's file anew at SIGHUP.
    """
    from edgeseg.labels import read_labels
    from edgeseg.live.config import LoopConfig
    from edgeseg.live.defaults import default_outputs, refuse_overwriting
    from edgeseg.live.models import check_fallback, open_model
    from edgeseg.live.run import run
    from edgeseg.progress import ProgressLine
    from edgeseg.sources import open_source
    from edgeseg.sources.realtime import realtime
    from edgeseg.terminal import live_line, live_summary

    if list_cameras:
        _list(as_json)
        return
    if model is None:
        raise UsageError("Missing argument 'MODEL': write  edgeseg live model.tflite --source 0, or --list the cameras")
    line = ProgressLine()
    say = _speaker(line)
    segmenter = open_model(model, cores, read_labels(labels) if labels else None)
    check_fallback(segmenter, fallback, scores=unsure is not None)
    if replay and source:
        if typed("replay") == typed("source"):
            raise UsageError("--replay is a source already; leave --source out")
        replay, source = (replay, None) if typed("replay") else (None, source)
    uri = f"replay:{replay}" if replay else source or CAMERA
    refuse_overwriting(uri, out)
    opened = realtime(open_source(uri)) if as_camera else open_source(uri)
    for note in [*segmenter.notes, *opened.notes]:
        say(note)
    chosen = out or default_outputs(opened, frames)
    config = LoopConfig(
        max_frames=frames,
        threads=None if threads == "auto" else int(threads),
        every=every,
        roi=roi,
        max_fps=max_fps,
        smooth=smooth,
        unsure=unsure,
        token=token,
        fallback=fallback,
        invoke_limit_s=invoke_limit,
    )
    reload = threading.Event()

    def progress(now: LiveStats) -> None:
        with suppress(OSError):  # as in _speaker
            line.show(live_line(now))

    gone = sys.stderr.isatty()  # to a terminal's programs the signal says that it is gone
    signal.signal(signal.SIGHUP, signal.default_int_handler if gone else lambda *_: reload.set())
    stats = run(segmenter, opened, chosen, config, None if "jsonl:-" in chosen else progress, say, reload=reload)
    line.clear()
    text = json.dumps(stats.to_json()) if as_json else live_summary(stats, chosen)
    click.echo(text, err="jsonl:-" in chosen)  # whoever reads the lines wants nothing among them


def _speaker(line: ProgressLine) -> Callable[[str], None]:
    """Notes for the person at the terminal, each on a line of its own."""

    def say(text: str) -> None:
        with suppress(OSError):  # nobody is at the terminal any more, and the loop goes on
            line.clear()
            click.echo(f"note: {text}", err=True)

    return say


def _list(as_json: bool) -> None:
    from dataclasses import asdict

    from edgeseg.sources.listing import lines, listing

    found = listing()
    click.echo(json.dumps(asdict(found)) if as_json else "\n".join(lines(found)))
