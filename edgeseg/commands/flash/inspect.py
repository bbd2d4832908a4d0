"""`edgeseg flash --inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.errors import DataError
from edgeseg.printable import printable

if TYPE_CHECKING:
    from edgeseg.customise.inspect import Inspection


def show(place: Path, as_json: bool) -> None:
    """Print what a card tells; raises DataError where it has to be mended."""
    from edgeseg.customise.inspect import inspect

    found = inspect(place)
    click.echo(json.dumps(found.to_json()) if as_json else "\n".join(_lines(found)))
    if not found.fine:
        raise DataError(f"{place}: {found.advice}")


def _lines(found: Inspection) -> list[str]:
    card, told = found.card, found.first_boot or {}
    lines = [f"edgeseg {_text(card.get('edgeseg'))}, bundle {_text(card.get('bundle'))}"]
    lines.append(
        f"packages {_text(card.get('packages'))} for Python {_text(card.get('python'))} on {_text(card.get('os'))}"
    )
    lines += [f"    {name}: {_text(value)}" for name, value in card["applied"].items() if value]
    trouble = "no longer what was written" if found.state == "running" else "damaged"
    names = printable(", ".join(found.damaged))
    lines.append(f"files: {trouble}: {names}" if found.damaged else "files: whole")
    lines.append(f"first boot: {found.state}" + (f" at {_text(told['stage'])}" if told.get("stage") else ""))
    lines += [f"    {name}: {_text(told[name])}" for name in ("message", "model", "seconds", "at") if told.get(name)]
    if found.secrets_left and found.state == "running":
        lines.append("the page's token is still on the boot partition; delete edgeseg/env there")
    return [*lines, f"next: {found.advice}"]


def _text(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else "yes" if value is True else str(value)
    return printable(text)  # what a board wrote is not ours
