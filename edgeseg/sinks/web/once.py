"""Says each trouble with visitors once, however often it happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from edgeseg.errors import first_line
from edgeseg.printable import printable

MOST = 100
"""Troubles that are said in all; so much must do for months of scanners."""
LIBRARIES = ("aiohttp", "asyncio")
"""Loggers of the server's parts, which would write tracebacks to the terminal."""


class Once(logging.Handler):
    """`once(key, text)` says `text` unless something with this key was said before; takes log records too."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._said: set[Hashable] = set()

    def __call__(self, key: Hashable, text: str) -> None:
        """`text` may hold what a visitor sent: it is cut and stripped of control characters."""
        if key in self._said or len(self._said) > MOST:
            return
        self._said.add(key)
        if len(self._said) > MOST:
            text = "more troubles with visitors are not shown"
        self._say(f"page: {printable(text)}")

    def emit(self, record: logging.LogRecord) -> None:
        """A library's complaint, as one line."""
        error = record.exc_info[1] if record.exc_info else None
        reason = f" ({first_line(error) if isinstance(error, Exception) else error})" if error else ""
        self((record.msg, str(record.args), type(error)), record.getMessage() + reason)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        """A complaint that cannot even be formatted is left out; there is nothing a user could do about it."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the block, take what the server's libraries log."""
        loggers = [logging.getLogger(name) for name in LIBRARIES]
        for logger in loggers:
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(self)
