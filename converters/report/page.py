"""report.html and report.json: one conversion on a page that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from converters.layers import LayerError, layer_of
from converters.report.pictures import Strip, strip
from converters.report.result import Result
from edgeseg.evaluate import Predictor
from edgeseg.files import write_bytes, write_json
from edgeseg.labels import Labels

LAYERS = 12
"""Layers that are listed."""
BINS = 16
"""Columns of the histogram of brightness."""


def write_report(
    folder: Path, result: Result, source: Predictor, converted: Predictor, masks: Mapping[str, Path], labels: Labels
) -> None:
    """Write report.json and report.html into `folder`, each as a whole.

    `masks` gives the mask of an image's path; it may be empty.
    """
    strips = [strip(each, masks.get(each.image), source, converted, labels) for each in result.comparison.worst]
    write_bytes(folder / "report.html", page(result, strips, labels).encode())
    write_json(folder / "report.json", result.to_json())


def page(result: Result, strips: Sequence[Strip], labels: Labels) -> str:
    """The whole document, pictures and style included."""
    style = files("converters.report").joinpath("page.css").read_text(encoding="utf-8")
    body = "".join(
        [
            _head(result),
            _classes(result, labels),
            _boundaries(result),
            _pictures(strips, result.comparison.first is not None),
            _layers(result.layers[:LAYERS], result.float_layers),
            _calibration(result),
        ]
    )
    title = f"{escape(result.name)} · {escape(result.scheme)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )


def _head(result: Result) -> str:
    comparison, worst = result.comparison, result.worst_class
    verdict = "fit for use" if not result.failures else "not fit for use"
    tiles = [("size", f"{_kb(result.bytes)}", f"float32: {_kb(result.float_bytes)}")]
    if result.miou is not None and result.float_miou is not None and worst is not None:
        tiles += [
            ("mIoU", _percent(result.miou), f"source: {_percent(result.float_miou)}"),
            ("drop", f"{comparison.drop:.2f} points", f"largest of a class: {escape(worst[0])}, {worst[1]:.2f}"),
        ]
    tiles += [
        ("pixel agreement", _percent(result.agreement), f"with the source, on {comparison.images} images"),
        ("time for a frame", f"{result.latency_ratio:.2f} ×", "that of float32, on the machine that converted"),
    ]
    cards = "".join(f"<div><h3>{name}</h3><b>{value}</b><p>{more}</p></div>" for name, value, more in tiles)
    state = "bad" if result.failures else "good"
    return (
        f"<header><h1>{escape(result.name)}</h1><p>{escape(result.source)} as {escape(result.scheme)} · "
        f'<strong class="{state}">{verdict}</strong></p></header>'
        + _list("bad", result.failures)
        + _list("warn", result.warnings)
        + _list("note", result.notes)
        + f'<section class="tiles">{cards}</section>'
    )


def _classes(result: Result, labels: Labels) -> str:
    first, second = result.comparison.first, result.comparison.second
    agreement = result.comparison.class_agreement
    if first is None or second is None:
        rows = [(name, [(share, "after")], "") for name, share in agreement.items()]
        return _section("Agreement by class", "Of the pixels that the source gives a class, the share that the "
                        "result gives it too.", _bars(rows, labels))  # fmt: skip
    drops = result.comparison.drops
    rows = []
    for name, drop in drops.items():
        shares = [(first.scores.iou[name], "before"), (second.scores.iou[name], "after")]
        rows.append((name, shares, f"{-drop:+.2f}"))
    legend = '<i class="before"></i> source <i class="after"></i> result; at the right the change in points'
    return _section("IoU by class", legend, _bars(rows, labels))


def _boundaries(result: Result) -> str:
    first, second = result.comparison.first, result.comparison.second
    if first is None or second is None:
        return ""
    rows = []
    for name, iou in first.boundary_iou.items():
        after = second.boundary_iou.get(name, 0.0)
        rows.append((name, [(iou, "before"), (after, "after")], f"{100 * (after - iou):+.2f}"))
    return _section(
        "Boundary IoU by class",
        "The same along the outlines alone, 2 % of the diagonal wide: where quantization shows first.",
        _bars(rows, None),
    )


def _pictures(strips: Sequence[Strip], judged: bool) -> str:
    shown = []
    for each in strips:
        panels = "".join(
            f'<figure><img src="{uri}" alt="{title}" loading="lazy"><figcaption>{title}</figcaption></figure>'
            for title, uri in each.panels
        )
        shown.append(
            f'<article><h3>{escape(each.name)}</h3><p>{each.words}</p><div class="strip">{panels}</div></article>'
        )
    colors = '<i class="lost"></i> went wrong <i class="won"></i> came right <i class="changed"></i> '
    words = colors + ("wrong before and after, but differently" if judged else "differs")
    return _section("The worst images", words, "".join(shown))


def _layers(layers: Sequence[LayerError], float_layers: Sequence[str]) -> str:
    largest = max((each.own for each in layers), default=0) or 1
    rows = "".join(
        f"<tr><td>{escape(each.layer)}</td><td>{escape(each.op)}</td>"
        f'<td class="bar"><span class="after" style="width:{100 * each.own / largest:.1f}%"></span></td>'
        f"<td>{escape(each.words)}</td></tr>"
        for each in layers
        if each.own > 0
    )
    kept = ", ".join(dict.fromkeys(escape(layer_of(name)) for name in float_layers))
    more = f"<p>In float: {kept}.</p>" if kept else ""
    if not rows:
        return _section("Layers by error", "No layer differs from the float model.", more)
    head = "<tr><th>layer</th><th>operator</th><th>error that arises here</th><th>in words</th></tr>"
    words = "Each channel's error over its spread, averaged over the channels; bars relative to the worst layer."
    return _section("Layers by error", words, f'<table class="wide">{head}{rows}</table>{more}')


def _calibration(result: Result) -> str:
    coverage = result.coverage
    if coverage is None:
        return ""
    counts = [0] * BINS
    for each in coverage.brightness:
        counts[min(BINS - 1, int(each / 256 * BINS))] += 1
    top = max(counts) or 1
    columns = "".join(
        f'<span style="height:{100 * count / top:.0f}%" title="{count} frames"></span>' for count in counts
    )
    shown = [
        (name, [(count / max(1, coverage.frames), "after")], f"{count}") for name, count in coverage.classes.items()
    ]
    histogram = f'<div class="histogram">{columns}</div><p class="axis"><span>dark</span><span>bright</span></p>'
    words = f"{coverage.frames} of {coverage.of} images, pixels from {coverage.darkest} to {coverage.brightest}."
    body = f"<h3>Frames by mean brightness</h3>{histogram}"
    if shown:
        body += "<h3>Frames that show each class</h3>" + _bars(shown, None)
    return _section("Calibration", words, body)


def _bars(rows: Sequence[tuple[str, list[tuple[float, str]], str]], labels: Labels | None) -> str:
    """A row each: a name, shares 0..1 with the class of their bar, and a note."""
    lines = []
    for name, shares, note in rows:
        bars = "".join(
            f'<div><span class="{kind}" style="width:{100 * share:.1f}%"></span><em>{100 * share:.1f}</em></div>'
            for share, kind in shares
        )
        lines.append(
            f"<tr><th>{_swatch(name, labels)}{escape(name)}</th>"
            f'<td class="bar">{bars}</td><td class="number">{note}</td></tr>'
        )
    return f"<table>{''.join(lines)}</table>"


def _swatch(name: str, labels: Labels | None) -> str:
    if labels is None or name not in labels.names:
        return ""
    red, green, blue = labels.colors[labels.names.index(name)]
    return f'<i style="background:rgb({red},{green},{blue})"></i> '


def _section(title: str, words: str, body: str) -> str:
    return f'<section><h2>{title}</h2><p class="words">{words}</p>{body}</section>'


def _list(kind: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _kb(size: int) -> str:
    return f"{size / 1000:,.0f} kB"
