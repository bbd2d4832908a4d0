"""All outputs of a loop: one that fails is reported and opened again later, while the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from edgeseg.errors import OutputError, UsageError
from edgeseg.sinks import find_sink, open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented, Sink
from edgeseg.uri import masked

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
STUCK_S = 0.3
"""How long the end of a loop waits for a write that does not come back."""


class Outlet:
    """The open sinks. One thread writes; any thread may read `states`."""

    def __init__(self, uris: Sequence[str], loop: LoopInfo, extra: Sequence[tuple[str, Sink]] = ()) -> None:
        """Open all; `extra` are open already, with a name. Raises UsageError and OutputError, with none left open."""
        for number, uri in enumerate(uris):
            find_sink(uri)  # a mistyped one is refused before any is opened
            if uri in uris[:number]:
                raise UsageError(f"{masked(uri)}: stands twice among the outputs; name each once")
        self._lines: list[_Line] = []
        try:
            for name, sink in extra:
                self._lines.append(_Line(name, partial(_same, sink), loop.say))
            for uri in uris:
                self._lines.append(_Line(masked(uri), partial(open_sink, uri, loop), loop.say))
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
        """Finish all, side by side; raises OutputError where one could not be finished, or lost frames."""
        failures: list[BaseException] = []

        def finish(line: _Line) -> None:
            try:
                line.close(complete)
            except BaseException as failure:  # noqa: BLE001  # raised again below
                failures.append(failure)

        threads = [threading.Thread(target=finish, args=(line,)) for line in self._lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


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
        self._busy = threading.Lock()
        self._closed = False

    def write(self, segmented: Segmented) -> None:
        with self._busy:
            if self._closed:  # a frame that was in hand when the loop ended
                return
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
        if not self._busy.acquire(timeout=STUCK_S):
            raise OutputError(f"{self.name}: does not take what it is given, and was left unfinished; is it blocked?")
        try:
            self._closed = True
            if self._sink is not None:
                self._sink.close(complete)
        finally:
            self._busy.release()
        if self._lost and complete:
            raise OutputError(f"{self._failure} ({self._lost} frames are not in it)")
