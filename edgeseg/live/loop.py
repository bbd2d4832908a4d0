"""Turning frames into masks: the loop's own thread, which another can take over where it hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from edgeseg.errors import DataError, SourceError
from edgeseg.live.config import LoopConfig
from edgeseg.live.delivery import Delivery, ThreadChoice
from edgeseg.live.pace import Pace
from edgeseg.live.tally import Tally
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.sources import Source
from edgeseg.sources.frame import Frame

HOPELESS = 30
"""Unreadable frames, without a good one ever, after which a source is given up."""


class Loop:
    """Frames of a source, through a network, to the delivery.

    A thread of its own does the work, so that an inference that never returns hangs nobody
    else: `replace` then goes on in a new thread with another segmenter, and the old one, if
    it ever wakes, finds that it is no longer wanted.
    """

    def __init__(self, segmenter: Segmenter, source: Source, delivery: Delivery, tally: Tally, config: LoopConfig):
        self.done = threading.Event()
        """Set at the end, whatever brought it about."""
        self.failure: BaseException | None = None
        """What ended the loop, if it was not the source's end or `stop`."""
        self.pace = Pace(config.max_fps)
        self.alive_at = time.monotonic()
        """When the loop last took a frame, or knew that there is none."""
        self._segmenter, self._source, self._delivery = segmenter, source, delivery
        self._tally, self._config = tally, config
        self._frames = source.frames()
        self._choice = ThreadChoice(config.threads, delivery.outputs)
        self._margin = _margin() if config.unsure else None
        self._taken = 0
        self._invoking_since: float | None = None
        self._stop = threading.Event()
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work."""
        self._worker = threading.Thread(target=self._work, name="loop", daemon=True)
        self._worker.start()

    def stop(self, timeout_s: float) -> None:
        """End after the frame in hand; give up waiting after `timeout_s`."""
        self._stop.set()
        if self._worker is not None:
            self._worker.join(timeout_s)

    @property
    def model(self) -> Segmenter:
        """The model at work."""
        return self._segmenter

    @model.setter
    def model(self, segmenter: Segmenter) -> None:
        """Use another from the next frame on."""
        self._segmenter = segmenter
        self._tally.model = segmenter.path.name

    @property
    def hanging_s(self) -> float:
        """For how long the inference in hand has been running; 0 where none is."""
        since = self._invoking_since
        return time.monotonic() - since if since is not None else 0.0

    def replace(self, segmenter: Segmenter) -> None:
        """Leave a thread that hangs to itself, and go on with another model."""
        self.model = segmenter
        self._invoking_since = None
        self.start()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self.pace.wait(self._stop)
                frame = next(self._frames)
                if self._worker is not threading.current_thread():
                    return
                self.alive_at = time.monotonic()
                if frame is not None and not self._take(frame):
                    break
        except (StopIteration, EndLoop):
            pass
        except BaseException as failure:  # noqa: BLE001  # raised again in the main thread
            self.failure = failure
        if self._worker is threading.current_thread():
            self.done.set()

    def _take(self, frame: Frame) -> bool:
        """One frame; False where this thread was replaced meanwhile, or has reached the last frame."""
        self._taken += 1
        if (self._taken - 1) % self._config.every:
            return True
        began = time.perf_counter()
        model = self._segmenter
        try:
            if self._config.roi:
                frame = frame.cropped(self._config.roi)
            picture = model.picture(frame.image)
        except DataError as error:
            self._skip(error)
            return True
        self._invoking_since = time.monotonic()
        label_map = model.infer(picture)
        if self._worker is not threading.current_thread():
            return False
        self._invoking_since = None
        age_ms = (time.monotonic() - frame.captured) * 1000
        sure = self._margin(model.scores()) if self._margin and model.output == "logits" else None
        if self._tally.smoother is not None:
            label_map = self._tally.smoother(label_map, picture)
        segmented = Segmented(frame, label_map, self._tally.frames, model.invoke_ms, age_ms, sure)
        self._delivery.put(segmented)
        busy_ms = (time.perf_counter() - began) * 1000
        self._tally.add(segmented, busy_ms)
        self._settle_threads(busy_ms)
        return self._config.max_frames is None or self._tally.frames < self._config.max_frames

    def _skip(self, error: DataError) -> None:
        self._tally.bad += 1
        if self._tally.bad >= HOPELESS and not self._tally.frames:
            raise SourceError(f"none of {self._tally.bad} frames can be used: {error}")

    def _settle_threads(self, busy_ms: float) -> None:
        if not self._choice.settled:
            self._choice.add(busy_ms)
        if self._delivery.threads != self._choice.threads:
            self._delivery.threads = self._tally.threads = self._choice.threads
            self._source.eager = self._choice.threads == 2


def _margin() -> Callable[[Any], float]:
    from edgeseg.live.unsure import margin  # here, since few loops need it and all start the sooner

    return margin
