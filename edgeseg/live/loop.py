"""Turning frames into masks: the loop's own thread, which another can take over where it hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from edgeseg.errors import DataError, ModelError, SourceError, UsageError
from edgeseg.images import Image, Mask
from edgeseg.live.config import LoopConfig
from edgeseg.live.delivery import Delivery, ThreadChoice
from edgeseg.live.pace import Pace
from edgeseg.live.tally import Tally
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.sources import Source
from edgeseg.sources.frame import Frame

HOPELESS = 30
"""Unreadable frames in a row after which it is said, or, where there never was a good one, the source given up."""


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
        self.broken: ModelError | None = None
        """Why the model at work cannot go on; the loop waits for `replace`."""
        self.pace = Pace(config.max_fps)
        self.alive_at = time.monotonic()
        """When the loop last took a frame, or knew that there is none."""
        self._segmenter, self._source, self._delivery = segmenter, source, delivery
        self._tally, self._config = tally, config
        self._frames = source.frames()
        self._choice = ThreadChoice(config.threads, delivery.outputs)
        self._margin = _margin() if config.unsure else None
        self._taken = self._unreadable = 0
        self._lock = threading.Lock()
        self._inference, self._invoking_since = 0, 0.0
        self._stop = threading.Event()
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work."""
        self._worker = threading.Thread(target=self._work, name="loop", daemon=True)
        self._worker.start()

    def stop(self, timeout_s: float = 0.0) -> None:
        """End after the frame in hand; give up waiting after `timeout_s`."""
        self._stop.set()
        if self._worker is not None and timeout_s:
            self._worker.join(timeout_s)

    @property
    def model(self) -> Segmenter:
        """The model at work."""
        return self._segmenter

    @model.setter
    def model(self, segmenter: Segmenter) -> None:
        """Use another from the next frame on."""
        self._segmenter = segmenter
        self._tally.describe(segmenter)

    def hanging(self, limit_s: float) -> int | None:
        """Number of the inference in hand if it has taken longer than `limit_s`, for `replace`."""
        with self._lock:
            late = self._invoking_since and time.monotonic() - self._invoking_since > limit_s
            return self._inference if late else None

    def replace(self, segmenter: Segmenter, inference: int | None) -> bool:
        """Leave the thread to itself that hangs in this inference, and go on with another model in a new one.

        False, and nothing has changed, where it has come back meanwhile. None: the model is `broken`.
        """
        with self._lock:
            if inference is not None and (inference != self._inference or not self._invoking_since):
                return False
            self.broken, self._invoking_since = None, 0.0
            self.model = segmenter
            self.start()
            return True

    @property
    def _wanted(self) -> bool:
        return self._worker is threading.current_thread()

    def _work(self) -> None:
        failure: BaseException | None = None
        try:
            while not self._stop.is_set() and self._wanted:
                if self._taken % self._config.every == 0:
                    self.pace.wait(self._stop)
                frame = next(self._frames)
                self.alive_at = time.monotonic()
                if frame is None:
                    self.pace.missed()
                elif not self._take(frame):
                    break
        except (StopIteration, EndLoop):
            pass
        except ModelError as error:
            with self._lock:
                if self._wanted:
                    self.broken = error
            return
        except BaseException as error:  # noqa: BLE001  # raised again in the main thread
            failure = error
        if self._wanted:
            self.failure = failure
            self.done.set()

    def _take(self, frame: Frame) -> bool:
        """One frame; False where this thread was replaced meanwhile, or has reached the last frame."""
        self._taken += 1
        if (self._taken - 1) % self._config.every:
            return True
        self.pace.took()
        began = time.perf_counter()
        model = self._segmenter
        try:
            if self._config.roi:
                frame = frame.cropped(self._config.roi)
            picture = self._picture(model, frame)
        except (DataError, UsageError) as error:
            if isinstance(error, UsageError) and not self._tally.frames:
                raise  # a part that lies outside the first picture was mistyped
            self._skip(error)
            return True
        self._unreadable, self._tally.trouble = 0, ""
        label_map = self._infer(model, picture)
        if label_map is None:
            return False
        age_ms = (time.monotonic() - frame.captured) * 1000
        sure = self._margin(model.scores()) if self._margin and model.output == "logits" else None
        if self._tally.smoother is not None:
            label_map = self._tally.smoother(label_map, picture)
        segmented = Segmented(frame, label_map, self._tally.frames, model.invoke_ms, age_ms, sure)
        self._delivery.put(segmented)
        busy_ms = (time.perf_counter() - began) * 1000
        self._tally.add(segmented, busy_ms, self.pace.held_s)
        self._settle_threads(busy_ms)
        return self._config.max_frames is None or self._tally.frames < self._config.max_frames

    def _infer(self, model: Segmenter, picture: Image) -> Mask | None:
        """None where it took so long that this thread was replaced."""
        with self._lock:
            if not self._wanted:
                return None
            self._inference += 1
            self._invoking_since = time.monotonic()
        try:
            label_map = model.infer(picture)
        finally:
            with self._lock:
                wanted = self._wanted
                if wanted:
                    self._invoking_since = 0.0
        return label_map if wanted else None

    def _skip(self, error: DataError | UsageError) -> None:
        self._tally.bad += 1
        self._unreadable += 1
        if self._unreadable < HOPELESS:
            return
        text = f"none of the last {self._unreadable} frames can be used: {error}"
        if not self._tally.frames:
            raise SourceError(text)
        self._tally.trouble = text

    def _settle_threads(self, busy_ms: float) -> None:
        if not self._choice.settled:
            self._choice.add(busy_ms)
        if self._delivery.threads != self._choice.threads:
            self._delivery.threads = self._tally.threads = self._choice.threads
            self._source.prepare = self._prepare if self._choice.threads == 2 and not self._config.roi else None

    def _prepare(self, frame: Frame) -> None:
        """In the source's thread: a core that is free makes what the network waits for."""
        frame.prepared = self._segmenter.picture(frame.image)

    def _picture(self, model: Segmenter, frame: Frame) -> Image:
        prepared = frame.prepared
        if prepared is not None and prepared.shape == (*model.size, model.channels):
            return prepared
        return model.picture(frame.image)


def _margin() -> Callable[[Any], float]:
    from edgeseg.live.unsure import margin  # here, since few loops need it and all start the sooner

    return margin
