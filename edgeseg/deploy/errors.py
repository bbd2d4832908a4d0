"""What can go wrong between here and a board."""

from __future__ import annotations

from edgeseg.errors import EdgesegError, GateError


class BoardError(EdgesegError, ConnectionError):
    """A board that cannot be reached, or that cannot be given what was asked for."""


class LostError(BoardError):
    """A connection that ended before the board answered."""


class ReturnedError(GateError):
    """A release that did not run well: the board went back to the one before."""
