"""What a probe is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edgeseg.doctor.system import System

State = Literal["fine", "note", "wrong"]
"""'note': it does not apply here, is optional, or could not be asked."""


@dataclass(frozen=True)
class Finding:
    """What a probe found."""

    state: State
    text: str
    """One line."""
    fix: str = ""
    """The one command that mends it, or where no command can, what to do; empty where nothing is to be done."""


@dataclass(frozen=True)
class Probe:
    """A thing to look at."""

    name: str
    """At most ten characters, as a user reads it."""
    look: Callable[[System], Finding]
    everywhere: bool = False
    """It makes sense on systems other than Linux too."""


def fine(text: str) -> Finding:
    """All is well."""
    return Finding("fine", text)


def note(text: str, fix: str = "") -> Finding:
    """Nothing is wrong, but a user may want to know."""
    return Finding("note", text, fix)


def wrong(text: str, fix: str) -> Finding:
    """Something is, and `fix` mends it."""
    return Finding("wrong", text, fix)


UNASKED = note("not known: what tells it cannot be run here")
"""A card, say, that is mounted elsewhere."""
