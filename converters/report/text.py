"""What one conversion, or several, came to, in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from converters.report.result import Result
from edgeseg.terminal import percent, shortened, table

LAYERS = 3
"""Layers that are named."""
NAME = 20
"""Columns for a class."""


def summary(result: Result) -> str:
    """One conversion: its size and time, what it costs by class, where, and what to mind."""
    size = f"{result.name}: {result.bytes / 1000:.0f} kB, {result.scheme} (float32: {result.float_bytes / 1000:.0f} kB)"
    lines = [size, f"takes {result.latency_ratio:.2f} times as long as float32 on this machine"]
    if result.coverage:
        lines.append(f"calibrated on {result.coverage.frames} of {result.coverage.of} images")
    comparison = result.comparison
    agreement = f"agrees with its source on {percent(result.agreement)} of the pixels of {comparison.images} images"
    lines += [agreement, "", _costs(result) or "no masks to score it with: mIoU was not measured"]
    worst = [each for each in result.layers[:LAYERS] if each.own > 0]
    if worst:
        lines += ["", "layers with the largest error of their own:"]
        lines += [f"  {_wrapped(f'{each.layer}: {each.words}')}" for each in worst]
    for kind, found in (("note", result.notes), ("warning", result.warnings), ("refused", result.failures)):
        lines += [_wrapped(f"{kind}: {each}") for each in found]
    return "\n".join(lines)


def _costs(result: Result) -> str:
    first, second = result.comparison.first, result.comparison.second
    if first is None or second is None or result.miou is None or result.float_miou is None:
        return ""
    drops = result.comparison.drops
    rows = [
        [name, percent(first.scores.iou[name]), percent(second.scores.iou[name]), _change(-drop)]
        for name, drop in drops.items()
    ]
    rows.append(["mIoU", percent(result.float_miou), percent(result.miou), _change(-(result.comparison.drop or 0.0))])
    before, after = first.boundary_miou, second.boundary_miou
    rows.append(["boundary mIoU", percent(before), percent(after), _change(100 * (after - before))])
    return table(["IoU", "source", "result", "points"], rows)


def overview(results: Sequence[Result]) -> str:
    """Several conversions, a row each."""
    rows = []
    for each in results:
        worst = each.worst_class
        rows.append(
            [
                each.scheme,
                f"{each.bytes / 1000:.0f} kB",
                percent(each.miou) if each.miou is not None else percent(each.agreement),
                _change(-(each.comparison.drop or 0.0)) if worst else "–",
                f"{shortened(worst[0], NAME)} {_change(-worst[1])}" if worst else "–",
                f"{each.latency_ratio:.2f}" + (", refused" if each.failures else ""),
            ]
        )
    scored = any(each.miou is not None for each in results)
    header = ["scheme", "size", "mIoU" if scored else "agreement", "points", "worst class", "time"]
    return table(header, rows, left=(0, 4)) + "\n\ntime: that of an inference over float32's, on this machine"


def _change(points: float) -> str:
    return f"{round(points, 2) + 0.0:+.2f}"  # + 0.0: no minus before nothing


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 78, subsequent_indent="    ", break_long_words=False)
