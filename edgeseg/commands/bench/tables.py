"""What `edgeseg bench` shows, within 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeseg.terminal import percent, shortened, table

if TYPE_CHECKING:
    from converters.tflite.operator_times import OperatorTimes
    from edgeseg.bench.model import ModelReport
    from edgeseg.bench.projection import Projection
    from edgeseg.bench.result import Result

WIDTH = 80
NAME = 26
"""Columns for a model's file or an operator's name."""


def latency_table(report: ModelReport, macs: int) -> str:
    """Each model at each number of threads, and how the two compare."""
    rows = []
    for each in (*report.latencies, *report.against):
        times = [each.percentile_ms(percentile) for percentile in (50, 90, 99)]
        milliseconds = [f"{ms:.2f}" for ms in times]
        rows.append([shortened(each.model, NAME), str(each.threads), *milliseconds, f"{1000 / times[0]:.1f}"])
    height, width = report.size
    speed = f", {macs / report.fastest.percentile_ms(50) / 1e6:.0f} GMAC/s attained" if macs else ""
    lines = [
        report.machine,
        f"{report.runtime}, {height}x{width}, {macs / 1e9:.2f} GMAC{speed}",
        *(f"note: {note}" for note in report.notes),
        "",
        table(["model", "threads", "p50 ms", "p90 ms", "p99 ms", "fps"], rows),
    ]
    pairs = zip(report.latencies, report.ratios, strict=False)
    lines += [f"{each.threads} threads: {ratio:.2f} times the other's time" for each, ratio in pairs]
    return "\n".join(lines)


def operator_table(times: OperatorTimes, slowest: int) -> str:
    """By kind, and the slowest by name; the proof that the parts make the whole."""
    total = times.sum_ms or 1.0

    def cells(ms: float, macs: int) -> list[str]:
        rate = f"{macs / ms / 1e6:.0f}" if macs else ""
        return [f"{ms:.3f}", percent(ms / total), f"{macs / 1e6:.1f}" if macs else "", rate]

    costs = ["ms", "share", "MMAC", "GMAC/s"]
    kinds = [[kind.op[:NAME], str(kind.count), *cells(kind.ms, kind.macs)] for kind in times.kinds]
    lines = [table(["operator", "count", *costs], kinds)]
    lines.append(f"timed one by one: together {percent(times.sum_ms / times.whole_ms)} of the whole model's time")
    lines += [textwrap.shorten(f"left out: {each}", WIDTH, placeholder=" …") for each in times.left_out]
    if slowest:
        named = [[each.layer[-NAME:], each.op[:20], *cells(each.ms, each.macs)] for each in times.slowest(slowest)]
        lines += ["", table(["slowest", "operator", *costs], named, left=(0, 1))]
    return "\n".join(lines)


def board_table(projections: Sequence[Projection]) -> str:
    """What the network alone would take, and where that comes from."""
    rows = []
    for each in projections:
        ms = f"{each.ms[0]:.1f}–{each.ms[1]:.1f}" if each.ms else "–"
        fps = f"{each.fps[0]:.0f}–{each.fps[1]:.0f}" if each.fps else "–"
        rows.append([each.board.name, ms, fps, "yes" if each.board.tried else "no"])
    lines = [table(["projected, network alone", "ms", "fps", "tried"], rows), ""]
    for each in projections:
        lines.append(textwrap.fill(f"{each.board.name}: {each.board.basis}", WIDTH, subsequent_indent="  "))
    return "\n".join(lines)


def result_table(results: Sequence[Result]) -> str:
    """Each figure with its goal; below it what it was made of."""
    width = max(20, *(len(each.what) for each in results)) if results else 20
    lines = []
    for each in results:
        sign, unit = ("≥" if each.at_least else "≤"), f" {each.unit}" if each.unit else ""
        verdict = {True: "met", False: "NOT MET", None: "not measured"}[each.met]
        value = f"{each.value:.3g}{unit}" if each.value is not None else "–"
        lines.append(f"{each.what.ljust(width)}  {value.rjust(8)}")
        lines.append(f"  {sign} {each.goal:.3g}{unit}: {verdict}{f' · {each.detail}' if each.detail else ''}")
    return "\n".join(lines)
