"""The whole chain on the built-in belt: what `edgeseg demo` runs and what its report shows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from converters.convert import convert
from converters.report.result import Result
from edgeseg.data.belt import write_belt
from edgeseg.data.dataset import open_dataset, read_mask
from edgeseg.errors import MissingExtraError, OutputError
from edgeseg.evaluate import Evaluation, evaluate_file
from edgeseg.files import replacing, write_bytes, write_json
from edgeseg.images import read_frame
from edgeseg.live.run import run
from edgeseg.overlay import Overlay
from edgeseg.scene.parts import CLASSES, COLORS
from edgeseg.segmenter import Segmenter
from edgeseg.sources import open_source
from edgeseg.stats import LiveStats
from edgeseg.terminal import duration, percent, scores_table
from edgeseg.training.augment import Augmentation
from edgeseg.training.fit import OnProgress
from edgeseg.training.run import PLOT, TrainConfig
from edgeseg.training.start import train

IMAGES = {"train": 320, "val": 48, "test": 48}
"""Each part shows belts that no other part shows; the figures are those of the test part."""
SIZE = (192, 256)
CONFIG = TrainConfig(
    model="nano",
    size=SIZE,
    epochs=18,
    learning_rate=4e-3,
    class_power=0.0,  # the parts are large and clear; any weight would only swell their outlines
    loss_stride=1,
    augmentation=Augmentation(scale=(0.75, 1.35)),
)
CLIP_FRAMES = 240
CLIP = f"belt:?seed=2026&size=360x480&frames={CLIP_FRAMES}"
"""A belt of no part of the data set."""
MARKER = ".edgeseg-demo"
"""File that tells a folder made here from one that must not be replaced."""
SHOWN = 3
"""Test images in the report's picture."""

OnCount = Callable[[str, int, int], None]


def run_demo(out: Path, epochs: int | None, force: bool, on_count: OnCount, on_training: OnProgress) -> Iterator[str]:
    """Do each step and say, after it, in a line or a table what came of it.

    Raises OutputError where `out` holds something and `force` is false, or is not a demo.
    """
    began = time.monotonic()
    _make_room(out, force)
    write_bytes(out / MARKER, b"made by edgeseg demo, which may replace this folder\n")
    data, folder, model, clip = out / "data", out / "run", out / "belt.tflite", out / "overlay.mp4"
    write_belt(data, IMAGES, SIZE, 0, lambda *at: on_count("rendered", *at))
    yield f"1 data      {sum(IMAGES.values())} images of a rendered conveyor belt in {data}"
    config = CONFIG if epochs is None else replace(CONFIG, epochs=epochs)
    outcome = train(data, folder, config, on_progress=on_training)
    miou = percent(outcome.best_miou or 0)
    yield f"2 train     {config.model}, {outcome.epochs} epochs, val mIoU {miou}, in {folder}"
    result = convert(folder, model, "int8", data, on_progress=on_count)
    result.require()
    yield f"3 quantize  full int8, {result.bytes / 1000:.0f} kB, in {model}"
    before = evaluate_file(folder, data, "test", on_progress=lambda *at: on_count("float32", *at))
    after = evaluate_file(model, data, "test", on_progress=lambda *at: on_count("int8", *at))
    table = scores_table([before, after], ["float32", "int8"])
    yield f"4 evaluate  on {IMAGES['test']} images of belts that were never seen\n\n{table}\n"
    stats = run(
        Segmenter(model),
        open_source(CLIP),
        [str(clip)],
        on_progress=lambda now: on_count("live", now.frames, CLIP_FRAMES),
    )
    yield f"5 live      {stats.frames} frames at {stats.fps:.0f} fps, invoke {stats.invoke_ms:.1f} ms, in {clip}"
    _report(out, data, model, before, after, result, stats, time.monotonic() - began)
    yield (
        f"6 report    {out / 'report.md'} and {out / 'report.png'}\n\n"
        f"The whole chain took {duration(time.monotonic() - began)}. Next, segment your own camera:\n\n"
        f"  .venv/bin/edgeseg live {model} --source 0 --out mine.mp4\n\n"
        f"or train on your own images:  .venv/bin/edgeseg data check YOUR_FOLDER"
    )


def _make_room(out: Path, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise OutputError(f"{out}: is there already; replace it with --force, or choose another with -o")
    if not (out / MARKER).is_file():
        raise OutputError(f"{out}: does not look like a demo, so --force leaves it alone; choose another with -o")
    shutil.rmtree(out)


def _report(
    out: Path,
    data: Path,
    model: Path,
    before: Evaluation,
    after: Evaluation,
    result: Result,
    stats: LiveStats,
    seconds: float,
) -> None:
    _plot(out / "report.png", data, model, before, after)
    figures = {
        "float32": before.to_json(),
        "int8": after.to_json(),
        "bytes": result.bytes,
        "live": stats.to_json(),
        "seconds": round(seconds, 1),
    }
    write_json(out / "report.json", figures)
    text = (
        "# edgeseg demo\n\n"
        f"{CONFIG.model} at {SIZE[0]}x{SIZE[1]}, trained on {IMAGES['train']} rendered images, quantized to full int8 "
        f"({result.bytes / 1000:.0f} kB), scored on {after.images} images of belts that it never saw.\n\n"
        f"```\n{scores_table([before, after], ['float32', 'int8'])}\n```\n\n"
        f"Cost of int8: {100 * (before.scores.miou - after.scores.miou):+.2f} points of mIoU.\n\n"
        f"Live: {stats.frames} frames at {stats.fps:.1f} fps, rendering and video encoding included; "
        f"invoke {stats.invoke_ms:.2f} ms.\n\n"
        f"![IoU by class and examples](report.png)\n\n![The training](run/{PLOT})\n"
    )
    write_bytes(out / "report.md", text.encode())


def _plot(path: Path, data: Path, model: Path, before: Evaluation, after: Evaluation) -> None:
    """IoU by class beside each other, and a few test images with truth and int8 mask."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train") from error
    figure = Figure(figsize=(9, 9), dpi=110, layout="constrained")
    grid = figure.add_gridspec(SHOWN + 2, 3)
    bars = figure.add_subplot(grid[:2, :])
    names = list(before.scores.iou)
    places = np.arange(len(names))
    for offset, each, name in ((-0.2, before, "float32"), (0.2, after, "int8")):
        heights = [100 * each.scores.iou.get(label, 0) for label in names]
        drawn = bars.bar(places + offset, heights, 0.38, label=f"{name}: mIoU {percent(each.scores.miou)}")
        bars.bar_label(drawn, fmt="%.1f", fontsize=8)
    bars.set(xticks=places, xticklabels=names, ylabel="IoU in %", ylim=(0, 112))
    bars.legend(loc="upper center", ncols=2, frameon=False)
    segmenter = Segmenter(model)
    shown = open_dataset(data).split("test")[5 :: IMAGES["test"] // SHOWN]
    for row, pair in enumerate(shown[:SHOWN], 2):
        frame = read_frame(pair.image)
        overlay = Overlay(segmenter.labels, legend=False)
        pictures: list[Any] = [frame, overlay(frame, read_mask(pair.mask)), overlay(frame, segmenter.label_map(frame))]
        for column, (picture, title) in enumerate(zip(pictures, ("image", "truth", "int8"), strict=True)):
            axis = figure.add_subplot(grid[row, column])
            axis.imshow(picture[:, :, ::-1])
            axis.set_title(title, fontsize=9)
            axis.axis("off")
    colors = dict(zip(CLASSES, COLORS, strict=True))
    for tick in bars.get_xticklabels():
        red, green, blue = colors[tick.get_text()]
        tick.set_color((red / 255, green / 255, blue / 255))
    with replacing(path) as temporary:
        figure.savefig(temporary)
