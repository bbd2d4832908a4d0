"""What people see in a terminal: tables and progress lines, within 80 columns."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from edgeseg.progress import ProgressLine, bar

WORST = 5
"""Images that a comparison names."""

if TYPE_CHECKING:
    from pathlib import Path

    from converters.edgetpu.check import Report as EdgeTpuReport
    from converters.tflm.check import Report as MicroReport
    from edgeseg.compare import Comparison
    from edgeseg.data.check import Report
    from edgeseg.evaluate import Evaluation
    from edgeseg.stats import LiveStats
    from edgeseg.training.fit import Outcome, Progress


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Columns aligned to the right, but those whose number is in `left`."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        pairs = enumerate(zip(cells, widths, strict=True))
        return "  ".join(cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in pairs).rstrip()

    rule = "  ".join("─" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def percent(fraction: float) -> str:
    """0.123 → '12.3 %'."""
    return f"{100 * fraction:.1f} %"


def counted(count: int, what: str) -> str:
    """1, 'problem' → '1 problem'; 2 → '2 problems'."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def duration(seconds: float) -> str:
    """A rough time for people: '40 s', '12 min', '2 h 05 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def histogram(report: Report) -> str:
    """Classes by split: images that show each, and its share of the pixels."""
    splits = [split for split, count in report.images.items() if count]
    header = ["class", *(f"{split} {unit}" for split in splits for unit in ("images", "pixels")), ""]
    totals = {split: max(1, sum(c.pixels for c in report.counts[split].values())) for split in splits}
    rows = []
    for class_id, name in _named(report):
        row = [name]
        for split in splits:
            count = report.counts[split].get(class_id)
            row += [str(count.images), percent(count.pixels / totals[split])] if count else ["0", "–"]
        rows.append([*row, "ignored" if class_id in report.labels.ignore else ""])
    return table(header, rows)


def _named(report: Report) -> list[tuple[int, str]]:
    met = {class_id for counts in report.counts.values() for class_id in counts}
    named = [(i, f"{i} {name}") for i, name in enumerate(report.labels.names)]
    return named + [(i, f"{i}") for i in sorted(met) if i >= len(report.labels.names)]


def placement_table(report: EdgeTpuReport) -> str:
    """Operators of one kind and fate in a row, then what stands in the way."""
    kinds = Counter((each.op, each.on_tpu, each.reason) for each in report.operators)
    rows = [
        [op[:24], str(count), textwrap.shorten(reason, 46, placeholder=" …")]
        for (op, _, reason), count in kinds.items()
    ]
    lines = [table(["operator", "count", "prediction"], rows, left=(0, 2)), ""]
    on_tpu = sum(each.on_tpu for each in report.operators)
    lines.append(f"{on_tpu} of {len(report.operators)} operators on the Edge TPU ({percent(report.mapped)})")
    memory = report.memory_share
    streamed = "; the rest streams from the host at each inference" if memory > 1 else ""
    lines.append(f"weights take {percent(memory)} of its memory{streamed}")
    return "\n".join([*lines, report.advice])


def trial_table(report: MicroReport) -> str:
    """Operators of one kind in a row, then memory, agreement with LiteRT and what stands in the way."""
    refused = Counter((each.op, each.reason) for each in report.unsupported)
    rows = [
        [op[:24], str(count), textwrap.shorten(reason, 46, placeholder=" …")] for (op, reason), count in refused.items()
    ]
    for op, count in report.operators.items():
        running = count - sum(number for (name, _), number in refused.items() if name == op)
        if running:
            rows.append([op[:24], str(running), "runs"])
    lines = [table(["operator", "count", "TensorFlow Lite Micro"], rows, left=(0, 2)), ""]
    lines.append(f"the model takes {report.model_bytes} bytes of flash")
    if report.arena_bytes is not None:
        lines.append(f"and an arena of {report.arena_bytes} bytes of memory, measured on x86-64")
    for each in report.agreements:
        same = f"{percent(each.equal)} of the values are the same, the largest difference is {each.largest:.3g}"
        lines.append(f"against LiteRT's {each.kernels} kernels on {report.frames} made pictures:\n  {same}")
        if each.classes is not None:
            lines.append(f"  {percent(each.classes)} of the pixels have the same class")
    return "\n".join([*lines, report.advice])


def comparison_table(found: Comparison) -> str:
    """Two models: IoU of each where it is known, agreement by class, the images that differ most."""
    scored = found.first is not None and found.second is not None
    rows = []
    for name, share in found.class_agreement.items():
        ious = [_share(each.scores.iou.get(name)) for each in (found.first, found.second) if each]
        rows.append([name, *ious, percent(share)])
    means = [percent(each.scores.miou) for each in (found.first, found.second) if each]
    rows.append(["mIoU; all pixels" if scored else "all pixels", *means, percent(found.agreement)])
    lines = [table(["class", *(["A: IoU", "B: IoU"] if scored else []), "agreement"], rows), ""]
    worst = [each for each in found.worst if each.agreement < 1][:WORST]
    words = "pixels that A has right and B wrong, by image:" if scored else "pixels that differ, by image:"
    lines += [words] if worst else ["no image differs"]
    lines += [f"  {percent(each.lost).rjust(7)}  {shortened(each.image, 68)}" for each in worst]
    return "\n".join(lines)


def shortened(path: str, width: int) -> str:
    """A path whose end fits into `width` columns."""
    return path if len(path) <= width else "…" + path[1 - width :]


def scores_table(evaluations: Sequence[Evaluation], headings: Sequence[str]) -> str:
    """IoU by class, mIoU and pixel accuracy, a column for each evaluation."""
    names = list(dict.fromkeys(name for each in evaluations for name in each.scores.iou))
    rows = [[name, *(_share(each.scores.iou.get(name)) for each in evaluations)] for name in names]
    rows.append(["mIoU", *(percent(each.scores.miou) for each in evaluations)])
    rows.append(["pixel accuracy", *(percent(each.scores.pixel_accuracy) for each in evaluations)])
    return table(["IoU", *headings], rows)


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


class TrainingDisplay:
    """What a training shows: a line that moves, a line for each epoch, a last one."""

    def __init__(self, out: Path) -> None:
        self._out, self._line = out, ProgressLine()

    def checked(self, done: int, total: int) -> None:
        """While the data are checked."""
        self._line.count("checked", done, total)

    def told(self, line: str) -> None:
        """What is to be known before the first step."""
        self._line.clear()
        click.echo(line, err=True)

    def progress(self, at: Progress) -> None:
        """After each step and each epoch."""
        miou = f"mIoU {percent(at.miou)}" if at.miou is not None else "mIoU –"
        best = f" (best {percent(at.best)})" if at.best is not None else ""
        text = f"epoch {at.epoch:3d}/{at.epochs}  loss {at.loss:.3f}  {miou}{best}  {duration(at.seconds_left)} left"
        if at.epoch_ended:
            self._line.clear()
            click.echo(text, err=True)
        else:
            self._line.show(f"{bar(at.step, at.steps, 10)} {text}")

    def finish(self, outcome: Outcome, as_json: bool) -> None:
        """At the end, or after Ctrl-C."""
        self._line.clear()
        if as_json:
            click.echo(json.dumps({"run": str(self._out), **vars(outcome)}))
        elif not outcome.best_epoch:
            click.echo(f"{self._out}: stopped before the first epoch ended; continue it with --resume")
        else:
            stopped = "stopped; " if outcome.interrupted else ""
            began = f", began at {percent(outcome.base_miou)}" if outcome.base_miou is not None else ""
            where = f"{percent(outcome.best_miou or 0)} val mIoU in epoch {outcome.best_epoch}{began}"
            click.echo(f"{self._out}: {stopped}best {where}; see best.keras, history.png")


def live_line(now: LiveStats) -> str:
    """A running loop in a line; what is wrong with the source comes first."""
    text = f"{now.frames} frames  {now.recent_fps:.1f} fps  invoke {now.invoke_ms:.1f} ms"
    if now.source:
        return f"{now.source}  {text}"
    heat = f"  {now.temperature_c:.0f} °C" if now.temperature_c is not None else ""
    return f"{text}  age {now.age_ms:.0f} ms  {now.dropped} dropped{heat}"


def live_summary(stats: LiveStats, out: Sequence[str]) -> str:
    """A loop at its end: the line, the classes, what was written."""
    areas = sorted(stats.areas.items(), key=lambda item: -item[1])
    text = (
        f"{stats.frames} frames  {stats.fps:.1f} fps  invoke {stats.invoke_ms:.1f} ms"
        f"  overhead {stats.overhead_ms:.1f} ms  {stats.dropped} dropped\n"
    )
    if stats.bad:
        text += f"{counted(stats.bad, 'frame')} could not be read and were left out\n"
    if stats.flicker is not None and stats.flicker_smoothed is not None:
        text += f"flicker {100 * stats.flicker:.2f} %, smoothed {100 * stats.flicker_smoothed:.2f} %\n"
    text += "\n"
    text += table(["class", "mean area"], [[name, percent(area)] for name, area in areas])
    return text + "".join(f"\nwrote {uri}" for uri in out if "://" not in uri and uri not in ("window:", "jsonl:-"))
