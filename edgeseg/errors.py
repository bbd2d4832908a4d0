"""Everything edgeseg refuses, as one tree; each error is also the builtin it resembles.

The message is one line that says what is wrong and what to do. `edgeseg.cli` prints it
and leaves with `exit_code`.
"""

from __future__ import annotations

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class EdgesegError(Exception):
    """Base of all errors that a user can cause and mend."""

    exit_code = 1


class UsageError(EdgesegError, ValueError):
    """Arguments that contradict each other or name something unknown."""

    exit_code = 2


class DataError(EdgesegError, ValueError):
    """A data set, image or mask that cannot be used as it is."""


class SizeError(EdgesegError, ValueError):
    """An image size that a model cannot take."""

    exit_code = 2


class ModelError(EdgesegError, ValueError):
    """A file that is no model, a damaged one, or one this command cannot run."""


class ConversionError(EdgesegError, RuntimeError):
    """A conversion that failed, or whose result did not prove itself."""


class GateError(EdgesegError, RuntimeError):
    """A model that works but falls short of what was asked for."""

    exit_code = 3


class SourceError(EdgesegError, OSError):
    """A camera, video or folder that gives no frames."""


class OutputError(EdgesegError, OSError):
    """A result that cannot be written."""


class RunExistsError(EdgesegError, FileExistsError):
    """A run folder that already holds a training."""

    exit_code = 2


class MissingExtraError(EdgesegError, ImportError):
    """A library that an optional part of edgeseg needs."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"this needs {library}: install it with  pip install 'edgeseg[{extra}]'")


class MissingCompilerError(EdgesegError, FileNotFoundError):
    """A compiler of somebody else's that a command runs."""

    exit_code = 4


def first_line(error: Exception | None) -> str:
    """What another library's error says, without what follows its first line."""
    lines = str(error).strip().splitlines() if error else []
    return lines[0] if lines else "no reason given"
