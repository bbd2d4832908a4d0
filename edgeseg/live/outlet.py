"""All outputs of a loop: one that fails is reported and opened again later, while the others go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from edgeseg.errors import OutputError
from edgeseg.sinks import find_sink, open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented, Sink
from edgeseg.uri import without_password

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


class Outlet:
    """The open sinks. One thread writes; any thread may read `states`."""

    def __init__(self, uris: Sequence[str], loop: LoopInfo, extra: Sequence[Sink] = ()) -> None:
        """Open all; raises UsageError and OutputError, with none left open."""
        for uri in uris:
            find_sink(uri)  # a mistyped one is refused before any is opened
        self._lines: list[_Line] = []
        try:
            for sink in extra:
                self._lines.append(_Line(type(sink).__name__, partial(_same, sink), loop.say))
            for uri in uris:
                self._lines.append(_Line(without_password(uri), partial(open_sink, uri, loop), loop.say))
        except BaseException:
            self.close(complete=False)
            raise

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def states(self) -> dict[str, str]:
        """By URI, what is wrong with each; empty text while it works."""
        return {line.name: line.state for line in self._lines}

    def write(self, segmented: Segmented) -> None:
        """Give one frame to every sink; raises EndLoop where a viewer wants that."""
        for line in self._lines:
            line.write(segmented)

    def close(self, complete: bool) -> None:
        """Finish all; raises OutputError where one could not be finished, or lost frames."""
        with ExitStack() as closing:  # one that fails to close does not keep the others open
            for line in reversed(self._lines):
                closing.callback(line.close, complete)


def _same(sink: Sink) -> Sink:
    return sink


class _Line:
    """One sink through good and bad times."""

    def __init__(self, name: str, opener: Callable[[], Sink], say: Callable[[str], None]) -> None:
        self.name, self.state = name, ""
        self._open, self._say = opener, say
        self._sink: Sink | None = opener()
        self._failure, self._lost = "", 0
        self._again_at, self._wait_s = 0.0, FIRST_WAIT_S

    def write(self, segmented: Segmented) -> None:
        if self._sink is None and time.monotonic() < self._again_at:
            self._lost += 1
            return
        try:
            if self._sink is None:
                self._sink = self._open()
            self._sink.write(segmented)
        except OSError as error:
            self._fail(str(error))
            return
        if self.state:
            self._say(f"{self.name}: works again; {self._lost} frames are not in it")
            self.state, self._wait_s = "", FIRST_WAIT_S

    def _fail(self, failure: str) -> None:
        if not self.state:  # said once, not at every try
            self._say(f"{failure}; the loop goes on and tries again")
        self.state = self._failure = failure
        self._lost += 1
        self._again_at = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close(complete=False)
            except OSError as error:  # it is broken already; the newest reason is the most telling
                self.state = self._failure = str(error)

    def close(self, complete: bool) -> None:
        if self._sink is not None:
            self._sink.close(complete)
        if self._lost and complete:
            raise OutputError(f"{self._failure} ({self._lost} frames are not in it)")
