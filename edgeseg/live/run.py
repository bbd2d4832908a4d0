"""The supervisor: it starts a loop, watches over it, and ends it well."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import cv2

from edgeseg.errors import EdgesegError, ModelError, SourceError, UsageError
from edgeseg.live.config import LoopConfig
from edgeseg.live.delivery import Delivery
from edgeseg.live.governor import Governor
from edgeseg.live.loop import Loop
from edgeseg.live.models import open_fallback, reopen
from edgeseg.live.outlet import Outlet
from edgeseg.live.systemd import Notifier
from edgeseg.live.tally import Tally
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import LoopInfo, Sink
from edgeseg.sources import Source
from edgeseg.stats import LiveStats

TICK_S = 0.1
REPORT_EVERY_S = 0.5
GOVERN_EVERY_S = 2.0
LEAVE_S = 1.0
"""How long the end waits for the frame in hand."""
HOT_C = {"aarch64": 80.0, "armv7l": 80.0}
"""Where boards begin to throttle, by machine; elsewhere processors run hotter, and fans see to it."""
HOT_ELSEWHERE_C = 97.0
STALLED_S = 15.0
"""A loop that has not moved for so long is not alive, and systemd may start it again."""


def run(
    segmenter: Segmenter,
    source: Source,
    out: Sequence[str] = (),
    config: LoopConfig | None = None,
    on_progress: Callable[[LiveStats], None] | None = None,
    say: Callable[[str], None] | None = None,
    extra: Sequence[Sink] = (),
    reload: threading.Event | None = None,
) -> LiveStats:
    """Segment `source` until it ends, enough frames are done, or Ctrl-C; closes source and sinks.

    `say` gets a line for people whenever something happens, `extra` are sinks that are
    open already, `reload` asks for the model's file to be read anew. Raises SourceError where
    the source breaks off, ModelError where an inference hangs and nothing can take over, and
    OutputError where an output is not whole.
    """
    config = config or LoopConfig()
    tell = say or _silent
    complete = False
    with ExitStack() as closing:
        closing.callback(source.close)
        # OpenCV's own threads spin between two calls, which costs the network more than they save at these sizes.
        closing.callback(cv2.setNumThreads, cv2.getNumThreads())
        cv2.setNumThreads(1)
        tally = Tally(segmenter.labels, source, segmenter.path.name)
        if config.smooth:
            from edgeseg.live.smooth import Smoother  # here and below: few loops need it, and all start the sooner

            tally.smoother = Smoother()
        outlet = Outlet(out, _info(segmenter, source, config, tally, tell), [*extra, *_unsure(segmenter, config)])
        closing.callback(lambda: outlet.close(complete))
        tally.outlet = outlet
        delivery = Delivery(outlet)
        loop = Loop(segmenter, source, delivery, tally, config)
        watch = _Watch(loop, source, tally, config, tell, reload)
        loop.start()
        try:
            watch.until_done(on_progress)
        except KeyboardInterrupt:  # the way to end a live loop: what is done is complete
            watch.leaving()
            loop.stop(LEAVE_S)
        delivery.finish()
        if loop.failure is not None:
            raise loop.failure
        if not tally.frames:
            raise SourceError("the source ended before its first frame; nothing was segmented")
        complete = True
        return tally.stats()


def _silent(text: str) -> None:
    pass


def _info(
    segmenter: Segmenter, source: Source, config: LoopConfig, tally: Tally, say: Callable[[str], None]
) -> LoopInfo:
    fps = source.fps / config.every
    return LoopInfo(
        labels=segmenter.labels,
        fps=min(fps, config.max_fps) if config.max_fps and source.live else fps,
        live=source.live,
        model=segmenter.path.name,
        token=config.token,
        stats=tally.stats,
        say=say,
        controls=config.controls,
    )


def _unsure(segmenter: Segmenter, config: LoopConfig) -> list[Sink]:
    if config.unsure is None:
        return []
    if segmenter.output == "labels":
        raise UsageError(f"{segmenter.path}: gives class ids alone; --unsure needs one of  quantize --output logits")
    from edgeseg.live.unsure import Unsure

    return [Unsure(config.unsure, segmenter.labels)]


@dataclass
class _Watch:
    """What the main thread does while the loop's own thread works."""

    loop: Loop
    source: Source
    tally: Tally
    config: LoopConfig
    say: Callable[[str], None]
    reload: threading.Event | None

    def __post_init__(self) -> None:
        self._notifier = Notifier()
        self._governor = Governor(self.config.system, HOT_C.get(os.uname().machine, HOT_ELSEWHERE_C))
        self._govern_at = self._report_at = 0.0
        self._said: dict[str, str] = {}
        self._ready = False

    def until_done(self, on_progress: Callable[[LiveStats], None] | None) -> None:
        while not self.loop.done.wait(TICK_S):
            now = time.monotonic()
            if self.loop.hanging_s > self.config.invoke_limit_s:
                self._replace_hanging()
            if self.reload is not None and self.reload.is_set():
                self.reload.clear()
                self._reload()
            if now >= self._govern_at:
                self._govern_at = now + GOVERN_EVERY_S
                self._govern(now)
            self._say_once("source", self.source.state)
            self._notify(now)
            if on_progress and now >= self._report_at:
                self._report_at = now + REPORT_EVERY_S
                on_progress(self.tally.stats())

    def leaving(self) -> None:
        self._notifier.stopping()

    def _notify(self, now: float) -> None:
        if not self._ready and self.tally.frames:
            self._ready = True
            self._notifier.ready()
        if now - self.loop.alive_at < STALLED_S:
            self._notifier.alive()

    def _say_once(self, what: str, text: str) -> None:
        """Say what has changed, and neither again nor how many seconds are left."""
        kind = text.split(",", 1)[0]
        if self._said.get(what, "") != kind:
            self._said[what] = kind
            self.say(f"{what}: {text or 'all is well again'}")

    def _govern(self, now: float) -> None:
        ruling = self._governor.poll(now)
        self.tally.ruling = ruling
        self.loop.pace.factor = ruling.rate
        self._say_once("governor", ruling.text)
        if ruling.smaller and self.config.fallback and self.loop.model.path != self.config.fallback:
            self.loop.model = open_fallback(self.loop.model, self.config.fallback)
            self.say(f"{self.config.fallback.name}: the smaller model goes on, until the board is started again")

    def _replace_hanging(self) -> None:
        hung = self.loop.model.path
        said = f"{hung}: an inference has not come back for {self.config.invoke_limit_s:g} s"
        try:
            other = open_fallback(self.loop.model, self.config.fallback)
        except ModelError as error:
            raise ModelError(f"{said}; unplug the accelerator and plug it in again, or give --fallback") from error
        if other.path == hung:
            raise ModelError(f"{said}, though nothing is left to fall back on; start the board again")
        self.say(f"{said}; {other.path.name} goes on in its place")
        self.loop.replace(other)

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            self.loop.model = reopen(self.loop.model)
            self.say(f"{self.loop.model.path}: read anew")
        except EdgesegError as error:
            self.say(f"{error}; the model before it goes on")
        self._notifier.ready()
