"""Looking, and what to print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from edgeseg.doctor.probe import Finding, note
from edgeseg.doctor.probes import PROBES
from edgeseg.doctor.system import System

COLUMNS = 80
FORMAT = 1


def examine(system: System) -> Iterator[tuple[str, Finding]]:
    """Each probe's name and what it found, as it is found."""
    for probe in PROBES:
        if system.linux or probe.everywhere:
            yield probe.name, probe.look(system)
        else:
            yield probe.name, note("does not apply: this is not Linux")


def lines(name: str, finding: Finding) -> list[str]:
    """What to print: the state in the first five columns, what was found, then the cure as it can be copied."""
    label = f"{finding.state:<5}  {name:<10}  "
    indent = " " * len(label)
    told = textwrap.wrap(finding.text, COLUMNS, initial_indent=label, subsequent_indent=indent, break_on_hyphens=False)
    return told + [f"  {line}" for line in finding.fix.splitlines()]


def to_json(found: list[tuple[str, Finding]]) -> dict[str, Any]:
    """The same for a program."""
    return {"version": FORMAT, "findings": [{"probe": name, **asdict(finding)} for name, finding in found]}
