"""The figures that `edgeseg bench loop` gives, by name, and their order."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from edgeseg.bench.cpu import mask, overlay
from edgeseg.bench.fresh import growth, memory, start
from edgeseg.bench.page import page
from edgeseg.bench.peer import mediapipe
from edgeseg.bench.result import Result, Row, Setting
from edgeseg.bench.waiting import age, throughput
from edgeseg.errors import UsageError

ROWS: dict[str, Row] = {
    "mask": mask,
    "overlay": overlay,
    "throughput": throughput,
    "age": age,
    "mediapipe": mediapipe,
    "page": page,
    "memory": memory,
    "start": start,
    "growth": growth,
}
SOAK = frozenset({"growth"})
"""Rows that take minutes, and are left out unless asked for."""


def chosen(only: Collection[str], soak: bool) -> list[str]:
    """Names of the rows to measure; raises UsageError that lists the known ones."""
    for name in only:
        if name not in ROWS:
            raise UsageError(f"no figure is called '{name}'; known are {', '.join(ROWS)}")
    return [name for name in ROWS if (name in only if only else name not in SOAK) or (soak and name in SOAK)]


def measure(setting: Setting, names: Collection[str]) -> Iterator[Result]:
    """Each figure as soon as it is there."""
    for name in names:
        yield from ROWS[name](setting)
