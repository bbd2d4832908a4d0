"""The sink that is a page."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from edgeseg.errors import OutputError
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.web.address import Address, bracketed, is_loopback, reachable_host
from edgeseg.sinks.web.limits import Limits
from edgeseg.sinks.web.picture import Encoder
from edgeseg.sinks.web.slot import Slot
from edgeseg.sinks.web.status import Status

JOURNAL = "JOURNAL_STREAM"
"""Set for a service whose words systemd keeps: a token that somebody chose does not belong there."""
CLOSE_S = 0.9
"""For the server to end; what hangs longer ends with the process."""
_unloadable = threading.Event()
"""A server could not be loaded: the next page tries that first, or each would seem to work for a moment."""


class WebSink:
    """See `edgeseg.sinks.Sink`. Writing puts a frame into a slot; all else happens in the page's own thread."""

    def __init__(self, uri: str, loop: LoopInfo, limits: Limits | None = None) -> None:
        """Raises UsageError and OutputError as `edgeseg.sinks.web.open` does."""
        self._limits = limits or Limits()
        address = Address.parse(uri)
        self._uri, self._fps, self._loop = uri, address.fps, loop
        if _unloadable.is_set():
            _load(uri)
        self._slot = Slot()
        self._encoder = Encoder(loop.labels)
        self._listening = address.listen(self._limits.send_buffer_bytes)
        bound, self.port = self._listening.getsockname()[:2]
        self._loopback_host = address.host if is_loopback(bound) else None
        self.token = loop.token or (None if self._loopback_host else _made_token())
        """What a viewer has to know; None where only this machine can ask."""
        address_text = f"http://{bracketed(reachable_host(bound))}:{self.port}"
        self.link = address_text + (f"/?token={quote(self.token, safe='')}" if self.token else "")
        """Where to look, with what it takes."""
        kept_in_a_log = bool(loop.token) and JOURNAL in os.environ
        self._lock = threading.Lock()
        self._stop: Callable[[], object] | None = None
        self._closed = False
        self._failure = "no reason given"
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
        self._thread.start()
        self._say(f"page: {address_text}/?token=…" if kept_in_a_log else f"page: {self.link}")

    @property
    def encoded(self) -> int:
        """Pictures, overlays, masks and messages encoded so far."""
        return self._encoder.encoded

    def write(self, segmented: Segmented) -> None:
        """Show this frame to whoever watches; raises OutputError where the server has broken down."""
        if not self._thread.is_alive() and not self._closed:
            raise OutputError(f"{self._uri}: the page's server has ended ({self._failure})")
        self._slot.put(segmented)

    def close(self, complete: bool) -> None:
        """Say goodbye to the viewers, within a second."""
        with self._lock:
            self._closed = True
            if self._stop is not None:
                self._stop()
        self._thread.join(CLOSE_S)

    def _serve(self) -> None:
        try:
            self._run()
        except BaseException as failure:  # noqa: BLE001  # raised again by the next write
            self._failure = _reason(failure)
            if self._stop is None:
                _unloadable.set()
            self._say(f"page: its server has ended ({self._failure})")
        finally:
            self._listening.close()

    def _run(self) -> None:
        from edgeseg.sinks.web.once import Once  # here, since what these load takes long
        from edgeseg.sinks.web.server import Plan, run

        plan = Plan(
            listening=self._listening,
            slot=self._slot,
            encoder=self._encoder,
            status=Status(self._loop, self._slot),
            fps=self._fps,
            limits=self._limits,
            token=self.token,
            loopback_host=self._loopback_host,
            once=Once(self._say),
        )
        run(plan, self._started)

    def _say(self, text: str) -> None:
        with suppress(OSError):  # the terminal has gone; whoever watches the page need not
            self._loop.say(text)

    def _started(self, stop: Callable[[], object]) -> None:
        with self._lock:
            self._stop = stop
            if self._closed:
                stop()


def _load(uri: str) -> None:
    try:
        import edgeseg.sinks.web.server  # noqa: F401
    except Exception as failure:
        raise OutputError(f"{uri}: the page's server cannot be loaded ({_reason(failure)})") from failure
    _unloadable.clear()


def _reason(failure: BaseException) -> str:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"


def _made_token() -> str:
    from secrets import token_urlsafe

    return token_urlsafe(16)
