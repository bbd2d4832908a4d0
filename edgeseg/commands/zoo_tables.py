"""What `edgeseg zoo` shows, within 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from edgeseg.terminal import counted, percent, table

if TYPE_CHECKING:
    from converters.zoo import Figures
    from edgeseg.zoo import Entry

WIDTH = 80
UNKNOWN = "–"
CLASS = 10
"""Columns for a class's name."""


def listing(found: Sequence[Entry]) -> str:
    """The models there are, and what is to be known of them."""
    if not found:
        return "The zoo has no models here."
    rows = [
        [
            each.name,
            str(len(each.info.labels.counted)),
            _size(each.info.size),
            _kilobytes(each.path.stat().st_size),
            _known_miou(each),
            f"{each.data.title}, {each.data.licence}",
        ]
        for each in found
    ]
    lines = [table(["model", "classes", "input", "kB", "mIoU", "data, licence"], rows, left=(0, 5)), ""]
    for each in found:
        labels = each.info.labels
        classes = ", ".join(labels.names[i] for i in labels.counted)
        lines += _wrapped(f"{each.name}: {each.title} ({classes})")
    lines += ["", *_wrapped(_meant(found))]
    lines += [line for note in _notes(found) for line in _wrapped(note)]
    return "\n".join(lines)


def markdown(found: Sequence[Figures]) -> str:
    """Three tables that a terminal shows too, and what each figure was measured on."""
    boards = list(dict.fromkeys(each.board.name for one in found for each in one.boards))
    what, good, fast = [], [], []
    for each in found:
        name, quality, fastest = each.entry.name, each.quality, each.speed.fastest
        ms = fastest.percentile_ms(50)
        what.append(
            [
                name,
                _size(each.entry.info.size),
                f"{each.parameters / 1e6:.2f}M" if each.parameters is not None else UNKNOWN,
                f"{sum(each.macs.values()) / 1e6:.0f}",
                _kilobytes(each.bytes),
                percent(each.mapped) if each.mapped is not None else UNKNOWN,
            ]
        )
        good.append(
            [
                name,
                percent(quality.float_miou) if quality and quality.float_miou is not None else UNKNOWN,
                percent(quality.miou) if quality else UNKNOWN,
                _drop(each),
                "+".join(each.entry.trained_on),
                f"{quality.split}{' (seen)' if each.seen else ''}" if quality else UNKNOWN,
            ]
        )
        rates = {each.board.name: f"{each.fps[0]:.0f}–{each.fps[1]:.0f}" for each in each.boards if each.fps}
        projected = [rates.get(board, UNKNOWN) for board in boards]
        fast.append([name, str(fastest.threads), f"{ms:.2f}", f"{1000 / ms:.0f}", *projected])
    tables = [
        _pipes(["model", "input", "parameters", "MMAC", "kB", "Edge TPU"], what),
        _pipes(["model", "float", "int8", "worst class", "trained on", "scored on"], good),
        _pipes(["model", "threads", "ms", "fps", *boards], fast),
    ]
    lines = [line for note in _measured(found) for line in _wrapped(f"- {note}", "  ")]
    return "\n\n".join([*tables, "\n".join(lines)])


def _measured(found: Sequence[Figures]) -> list[str]:
    """What every figure was measured on, a sentence or two each."""
    lines = [
        "parameters: of the float network, batch normalization included. MMAC: million multiply-accumulates of an "
        "inference, kB: bytes / 1000, both of the full-int8 file that gives a class map.",
        "Edge TPU: share of the operators of the int8 logits file, predicted without Coral's compiler.",
    ]
    for task, quality in {each.entry.task: each.quality for each in found}.items():
        if quality:
            lines.append(
                f"float, int8, {task}: mIoU on {counted(quality.images, 'image')} of {quality.data} ({quality.split})."
            )
        else:
            lines.append(f"float, int8, {task}: mIoU not measured, for want of data.")
    lines.append("worst class: the one that loses most from float to int8, in points of IoU.")
    for each in found:
        if each.seen:
            lines.append(f"{each.entry.name}: was trained on the images it is scored on here; {_unseen(each.entry)}.")
    reports = {(each.speed.machine, each.speed.runtime) for each in found}
    for machine, runtime in sorted(reports):
        lines.append(f"ms, fps: measured here, the median of an inference alone, with {runtime} on {machine}.")
    projections = {each.board.name: each.board for one in found for each in one.boards}
    for name, board in projections.items():
        tried = "" if board.tried else ", not tried on hardware"
        lines.append(f"{name}: fps projected for an inference alone on {board.cores} cores{tried}; {board.basis}.")
    return lines + _notes(each.entry for each in found)


def _unseen(entry: Entry) -> str:
    if entry.val_miou is None:
        return "what it does on others is not known from it"
    return f"the same recipe, trained without them, gave {percent(entry.val_miou)} on val"


def _drop(figures: Figures) -> str:
    quality = figures.quality
    if quality is None or quality.worst is None:
        return UNKNOWN
    name = quality.worst if len(quality.worst) <= CLASS else quality.worst[: CLASS - 1] + "…"
    return f"{name} {-quality.drops[quality.worst]:+.2f}"


def _known_miou(entry: Entry) -> str:
    """What the file says of itself, unless it has seen the images."""
    provenance = entry.info.provenance
    split = provenance.get("split")
    miou = entry.val_miou if split is None or entry.has_seen(split) else provenance.get("miou")
    return percent(miou) if miou is not None else UNKNOWN


def _meant(found: Sequence[Entry]) -> str:
    """How the names are used, and what the list's figures are."""
    short = [f"{name} is short for {each.name}" for each in found for name in each.short]
    logits = "NAME-logits gives scores, for the Edge TPU" if any(each.logits for each in found) else ""
    said = ["mIoU: in int8, on a part of the data that was not trained on", *short, logits]
    return ". ".join(each for each in said if each) + "."


def _notes(found: Iterable[Entry]) -> list[str]:
    """Licences, once each."""
    sets = {each.data.title: each.data for each in found}
    return [f"{each.note or f'{each.title} is under {each.licence}.'} See {each.source}" for each in sets.values()]


def _pipes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(placed)} |"

    rule = "|".join(f"{'-' * (width + 1)}:" if i else "-" * (width + 2) for i, width in enumerate(widths))
    return "\n".join([line(header), f"|{rule}|", *map(line, rows)])


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _kilobytes(count: int) -> str:
    return f"{count / 1000:.0f}"
