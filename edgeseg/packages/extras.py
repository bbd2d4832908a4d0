"""What of edgeseg's extras a board needs."""

from __future__ import annotations

from collections.abc import Iterable

BY_OUTPUT = {"mqtt": "mqtt", "mqtts": "mqtt"}
"""Kinds of outputs, and the extra that brings their library."""
SIGN = "sign"
"""The extra with which a board checks signatures."""


def needed(outputs: Iterable[str], signed: bool) -> tuple[str, ...]:
    """For these outputs of `edgeseg live`, or their kinds alone, and for a board that has keys where `signed`."""
    found = {BY_OUTPUT[kind] for output in outputs if (kind := output.partition(":")[0]) in BY_OUTPUT}
    return tuple(sorted(found | ({SIGN} if signed else set())))
