"""What can go wrong with a card."""

from __future__ import annotations

from edgeseg.errors import INTERRUPTED, EdgesegError, OutputError


class CardError(OutputError):
    """A card that does not keep what it is given."""


class CutShortError(EdgesegError, InterruptedError):
    """Ctrl-C while a card was written."""

    exit_code = INTERRUPTED
