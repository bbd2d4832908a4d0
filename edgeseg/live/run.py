"""The supervisor: it starts a loop, watches over it, and ends it well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import cv2

from edgeseg.errors import SourceError, UsageError
from edgeseg.live.config import LoopConfig
from edgeseg.live.delivery import Delivery
from edgeseg.live.loop import Loop
from edgeseg.live.outlet import Outlet
from edgeseg.live.tally import Tally
from edgeseg.live.watch import Watch
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import LoopInfo, Sink
from edgeseg.sources import Source
from edgeseg.stats import LiveStats

LEAVE_S = 0.6
"""How long the end waits for the frame in hand."""
FINISH_S = 0.3
"""How long it then waits for an output that is stuck; all ends within two seconds."""


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
    the source breaks off, ModelError where the model cannot go on and nothing can take over,
    and OutputError where an output is not whole.
    """
    config = config or LoopConfig()
    tell = say or _silent
    complete = False
    with ExitStack() as closing:
        closing.callback(source.close)
        # OpenCV's own threads spin between two calls, which costs the network more than they save at these sizes.
        closing.callback(cv2.setNumThreads, cv2.getNumThreads())
        cv2.setNumThreads(1)
        ended = threading.Event()
        tally = _tally(segmenter, source, config)
        info = _info(segmenter, source, config, tally, tell, ended.set)
        outlet = Outlet(out, info, [*_named(extra), *_unsure(segmenter, source, config)])
        closing.callback(lambda: outlet.close(complete))
        tally.outlet = outlet
        delivery = Delivery(outlet)
        loop = Loop(segmenter, source, delivery, tally, config)
        watch = Watch(loop, source, tally, config, tell, ended, reload)
        interrupted = False
        loop.start()
        try:
            watch.until_done(on_progress)
        except KeyboardInterrupt:  # the way to end a live loop: what is done is complete
            interrupted = True
        finally:  # whatever happened, nobody writes any more when the sinks are closed
            watch.leaving()
            loop.stop(LEAVE_S)
            delivery.finish(None if loop.done.is_set() and not interrupted else FINISH_S)
        if loop.failure is not None:
            raise loop.failure
        if not tally.frames and not interrupted and not ended.is_set():
            raise SourceError("the source ended before its first frame; nothing was segmented")
        complete = True
        return tally.stats()


def _silent(text: str) -> None:
    pass


def _tally(segmenter: Segmenter, source: Source, config: LoopConfig) -> Tally:
    tally = Tally(segmenter.labels, source)
    tally.describe(segmenter)
    if config.smooth:
        from edgeseg.live.smooth import Smoother  # here and below: few loops need it, and all start the sooner

        tally.smoother = Smoother()
    return tally


def _info(
    segmenter: Segmenter,
    source: Source,
    config: LoopConfig,
    tally: Tally,
    say: Callable[[str], None],
    end: Callable[[], None],
) -> LoopInfo:
    fps = source.fps / config.every
    return LoopInfo(
        labels=segmenter.labels,
        # A file keeps its own time, however slowly it is gone through; what has no end goes on in ours.
        fps=min(fps, config.max_fps) if config.max_fps and source.total is None else fps,
        live=source.live,
        model=segmenter.path.name,
        token=config.token,
        stats=tally.stats,
        say=say,
        end=end,
        controls=config.controls,
    )


def _named(sinks: Sequence[Sink]) -> list[tuple[str, Sink]]:
    return [(type(sink).__name__, sink) for sink in sinks]


def _unsure(segmenter: Segmenter, source: Source, config: LoopConfig) -> list[tuple[str, Sink]]:
    if config.unsure is None:
        return []
    if segmenter.output == "labels":
        raise UsageError(f"{segmenter.path}: gives class ids alone; --unsure needs one of  quantize --output logits")
    from edgeseg.live.unsure import Unsure

    return [
        (
            f"unsure {config.unsure}",
            Unsure(config.unsure, segmenter.labels, own_time=None if source.live else source.fps),
        )
    ]
