"""What the main thread does while the loop's own thread works."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgeseg.errors import EdgesegError, ModelError
from edgeseg.live.config import LoopConfig
from edgeseg.live.governor import Governor
from edgeseg.live.loop import Loop
from edgeseg.live.models import open_fallback, origin, reopen
from edgeseg.live.systemd import Notifier
from edgeseg.live.tally import Tally
from edgeseg.sources import Source
from edgeseg.stats import LiveStats

TICK_S = 0.1
REPORT_EVERY_S = 0.5
GOVERN_EVERY_S = 2.0
SAY_AGAIN_S = 60.0
"""What comes and goes is said no more often."""
STALLED_S = 15.0
"""A loop that has not moved for so long is not alive, and systemd may start it again."""
HOT_C = {"aarch64": 80.0, "armv7l": 80.0}
"""Where boards begin to throttle, by machine; elsewhere processors run hotter, and fans see to it."""
HOT_ELSEWHERE_C = 97.0
COOLER_C = 8.0
"""So much below that, a processor counts as cool again."""


@dataclass
class Watch:
    """Sees to models that hang, hot boards, systemd, and who wants to know how it goes."""

    loop: Loop
    source: Source
    tally: Tally
    config: LoopConfig
    say: Callable[[str], None]
    ended: threading.Event
    """A viewer wants the loop to end."""
    reload: threading.Event | None
    """Somebody wants the model's file to be read anew."""

    def __post_init__(self) -> None:
        self._notifier = Notifier()
        hot_c = HOT_C.get(os.uname().machine, HOT_ELSEWHERE_C)
        self._governor = Governor(self.config.system, hot_c, hot_c - COOLER_C)
        self._govern_at = self._report_at = 0.0
        self._kinds: dict[str, str] = {}
        self._said_at: dict[tuple[str, str], float] = {}
        self._ready = self._shrunk = False
        self._reloading: threading.Thread | None = None

    def until_done(self, on_progress: Callable[[LiveStats], None] | None) -> None:
        """Raises ModelError where the model cannot go on and nothing can take over."""
        while not self.loop.done.wait(TICK_S) and not self.ended.is_set():
            now = time.monotonic()
            self._mend()
            if self.reload is not None and self.reload.is_set():
                self.reload.clear()
                self._start_reload()
            if now >= self._govern_at:
                self._govern_at = now + GOVERN_EVERY_S
                self._govern(now)
            self._say_change("source", self.source.state or self.tally.trouble)
            self._notify(now)
            if now >= self._report_at:
                self._report_at = now + REPORT_EVERY_S
                self._report(on_progress)

    def leaving(self) -> None:
        """Tell systemd that the end has come."""
        self._notifier.stopping()

    def _report(self, on_progress: Callable[[LiveStats], None] | None) -> None:
        stats = self.tally.stats()
        self._notifier.status(stats.source or f"{stats.recent_fps:.1f} frames a second, {stats.model}")
        if on_progress is not None:
            on_progress(stats)

    def _notify(self, now: float) -> None:
        if not self._ready and self.tally.frames:
            self._ready = True
            self._notifier.ready()
        if now - self.loop.alive_at < STALLED_S + self.loop.pace.held_s:
            self._notifier.alive()

    def _say_change(self, what: str, text: str) -> None:
        """Say what has changed, but not each second or degree that passes, nor what flickers."""
        kind = re.sub(r"\d+", "", text.partition(",")[0])
        if self._kinds.get(what, "") == kind:
            return
        self._kinds[what] = kind
        now = time.monotonic()
        if now - self._said_at.get((what, kind), -SAY_AGAIN_S) >= SAY_AGAIN_S:
            self._said_at[what, kind] = now
            self.say(f"{what}: {text or 'all is well again'}")

    # ---- the model ----

    def _mend(self) -> None:
        """Go on with another model where the one at work hangs or fails."""
        hanging = self.loop.hanging(self.config.invoke_limit_s)
        if hanging is None and self.loop.broken is None:
            return
        hung = self.loop.model.path
        said = f"{hung}: an inference has not come back for {self.config.invoke_limit_s:g} s"
        if self.loop.broken is not None:
            said = str(self.loop.broken).partition(";")[0]
        try:
            other = open_fallback(self.loop.model, self.config.fallback)
        except EdgesegError as error:
            raise ModelError(f"{said}; unplug the accelerator and plug it in again, or give --fallback") from error
        if other.path == hung:
            raise ModelError(f"{said}, though nothing is left to fall back on; start the board again")
        if self.loop.replace(other, hanging):
            self.say(f"{said}; {other.path.name} goes on in its place")

    def _govern(self, now: float) -> None:
        ruling = self._governor.poll(now)
        self.tally.ruling = ruling
        self.loop.pace.factor = ruling.rate
        self._say_change("governor", ruling.text)
        if ruling.smaller and self.config.fallback and not self._shrunk:
            self._shrunk = True
            try:
                self.loop.model = open_fallback(self.loop.model, self.config.fallback)
                self.say(f"{self.config.fallback.name}: the smaller model goes on, until the loop is started again")
            except EdgesegError as error:
                self.say(f"{error}; the model before it goes on")

    def _start_reload(self) -> None:
        """In a thread: a model is tried in a process of its own first, and may hang there."""
        if self._reloading is None or not self._reloading.is_alive():
            self._reloading = threading.Thread(target=self._reload, name="reload", daemon=True)
            self._reloading.start()

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            self.loop.model = model = reopen(self.loop.model)
            for note in model.notes:
                self.say(note)
            self.say(f"{origin(model)}: read anew")
        except EdgesegError as error:
            self.say(f"{error}; the model before it goes on")
        self._notifier.ready()
