"""Whether the loader keeps up with the step: what `edgeseg bench loader` measures."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from edgeseg.data.check import check
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import DataError
from edgeseg.training.backend import keras
from edgeseg.training.fused_norm import with_fused_norms
from edgeseg.training.loader import Batches
from edgeseg.training.losses import make_loss
from edgeseg.training.models import build
from edgeseg.training.optimizer import make_optimizer
from edgeseg.training.run import TrainConfig

ROUNDS = 5


class _Cached(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batch, as often as a real epoch has batches."""

    def __init__(self, batch: tuple[Any, Any], steps: int) -> None:
        super().__init__()
        self._batch, self._steps = batch, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._batch


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Times the steps of an epoch after the first, which fills the queue."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.began = self.began or time.perf_counter()
        self.steps, self.ended = batch, time.perf_counter()

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / (self.ended - self.began)


def measure(data: Path, config: TrainConfig) -> tuple[float, float]:
    """Median steps a second over ROUNDS epochs of each, in turns: (loaded and augmented, one batch in memory).

    Raises DataError where `data` do not pass the check or fill fewer than three batches.
    """
    dataset = open_dataset(data)
    report = check(dataset)
    report.require()
    if len(dataset.split("train")) < 3 * config.batch:
        raise DataError(f"{data}: fills fewer than 3 batches of {config.batch}; measure on more images")
    batches = Batches(dataset.split("train"), report.labels, config)
    model = with_fused_norms(build(config.model, config.size, config.channels, report.labels.num_classes))
    loss = make_loss(config.loss, report.pixel_share("train"), config.class_power)
    model.compile(optimizer=make_optimizer(config, len(batches)), loss=loss)
    cached = _Cached(batches[0], len(batches))
    rates: dict[str, list[float]] = {"loaded": [], "cached": []}
    for turn in range(ROUNDS + 1):
        for name, source in (("loaded", batches), ("cached", cached)):
            clock = _Clock()
            model.fit(source, callbacks=[clock], shuffle=False, verbose=0)
            if turn:  # the first turn compiles, and fills the loader's cache
                rates[name].append(clock.rate)
    return statistics.median(rates["loaded"]), statistics.median(rates["cached"])
