"""What people see in a terminal: tables and progress lines, within 80 columns."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from edgeseg.data.check import Report
from edgeseg.evaluate import Evaluation

if TYPE_CHECKING:
    from converters.edgetpu import Report as EdgeTpuReport

WIDTH = 80


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


def duration(seconds: float) -> str:
    """A rough time for people: '40 s', '12 min', '2 h 05 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class ProgressLine:
    """One line on standard error that is written over; silent where that is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH) - 1

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            click.echo("\r" + text[: self._width].ljust(self._width), err=True, nl=False)

    def count(self, what: str, done: int, total: int) -> None:
        """Replace the line by a bar."""
        self.show(f"{bar(done, total)} {what} {done}/{total}")

    def clear(self) -> None:
        """Take the line away, so that what follows starts a clean one."""
        self.show("")
        if self._shown:
            click.echo("\r", err=True, nl=False)


def bar(done: int, total: int, width: int = 16) -> str:
    """A bar of `width` cells."""
    full = width * done // max(1, total)
    return "█" * full + "░" * (width - full)


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


def scores_table(evaluations: Sequence[Evaluation], headings: Sequence[str]) -> str:
    """IoU by class, mIoU and pixel accuracy, a column for each evaluation."""
    names = list(dict.fromkeys(name for each in evaluations for name in each.scores.iou))
    rows = [[name, *(_share(each.scores.iou.get(name)) for each in evaluations)] for name in names]
    rows.append(["mIoU", *(percent(each.scores.miou) for each in evaluations)])
    rows.append(["pixel accuracy", *(percent(each.scores.pixel_accuracy) for each in evaluations)])
    return table(["IoU", *headings], rows)


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)
