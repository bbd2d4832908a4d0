"""Whether the loader keeps up: `python -m edgeseg.training.benchmark DATA`.

Prints the step rate with data loaded and augmented beside the step, the rate on one batch
that stays in memory, and their ratio. Both are measured in one run, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgeseg.data.check import check
from edgeseg.data.dataset import open_dataset
from edgeseg.training.backend import keras
from edgeseg.training.fit import make_optimizer
from edgeseg.training.loader import Batches
from edgeseg.training.losses import make_loss
from edgeseg.training.models import build
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
    """Median steps a second (loaded, cached) over ROUNDS epochs of each."""
    dataset = open_dataset(data)
    report = check(dataset)
    report.require()
    batches = Batches(
        dataset.split("train"),
        report.labels,
        config.size,
        config.channels,
        config.batch,
        config.loss_stride,
        config.augmentation,
        config.seed,
    )
    model = build(config.model, config.size, config.channels, report.labels.num_classes)
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


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m edgeseg.training.benchmark", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="small")
    parser.add_argument("--size", default="240x320")
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    loaded, cached = measure(arguments.data, TrainConfig(model=arguments.model, size=(height, width)))
    print(f"loaded {loaded:.3f} steps/s, cached {cached:.3f} steps/s, ratio {np.divide(loaded, cached):.3f}")  # noqa: T201


if __name__ == "__main__":
    main()
