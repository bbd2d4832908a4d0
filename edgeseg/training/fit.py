"""The fit: optimizer, schedule, and what happens after each epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.data.dataset import Pair
from edgeseg.errors import UsageError
from edgeseg.evaluate import evaluate
from edgeseg.files import replacing, write_json
from edgeseg.metrics import Scores
from edgeseg.model_info import ModelInfo, attach
from edgeseg.training import memory, state
from edgeseg.training.backend import has_gpu, keras
from edgeseg.training.distillation import beside, distilled
from edgeseg.training.distribution import alone, count_devices, count_processes, is_first
from edgeseg.training.fused_norm import with_fused_norms
from edgeseg.training.history import plot
from edgeseg.training.loader import Batches
from edgeseg.training.losses import make_loss
from edgeseg.training.optimizer import make_optimizer
from edgeseg.training.predict import KerasPredictor
from edgeseg.training.run import BEST, HISTORY, PLOT, Run
from edgeseg.training.weights import lineage, start_network, teacher_network


@dataclass(frozen=True)
class Progress:
    """Where a training is; given to the caller after every step and every epoch."""

    epoch: int
    """Of the epoch under way, from 1."""
    epochs: int
    step: int
    """Steps done of this epoch."""
    steps: int
    loss: float
    """Mean over this epoch so far."""
    miou: float | None
    """val mIoU of the last epoch that ended, 0..1; None before the first."""
    best: float | None
    seconds_left: float
    epoch_ended: bool


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Outcome:
    """What a training came to."""

    epochs: int
    """Epochs done, earlier parts of a resumed run included."""
    best_epoch: int
    """0 where no epoch ended."""
    best_miou: float | None
    """val mIoU of that epoch, 0..1; None where no epoch ended."""
    interrupted: bool
    base_miou: float | None = None
    """val mIoU of the network that the run began from, 0..1; None where it began from chance."""


def fit(
    run: Run,
    train: Sequence[Pair],
    val: Sequence[Pair],
    pixel_share: NDArray[np.float64],
    resume: bool = False,
    on_progress: OnProgress | None = None,
    tensorboard: bool = False,
) -> Outcome:
    """Train into `run.path`; after every epoch the best model and the state are on disk.

    `pixel_share` is the share of each class in `train`, (num_classes,). Ctrl-C ends the
    training early and returns. Raises UsageError where the loss is no longer a number, or
    where a step has no room in memory.
    """
    config = run.config
    keras.utils.set_random_seed(config.seed)
    history = run.history() if resume else []
    batches = Batches(train, run.labels, config, rare_classes(pixel_share))
    batches.start_at(len(history))
    network, model = _compiled(run, pixel_share, len(batches))
    if history:
        state.load(run, network, model.optimizer, len(history))
    board = _board(run) if tensorboard and is_first() else None
    epochs = _Epochs(run, network, val, history, len(batches), on_progress, board)
    interrupted = False
    try:
        if len(history) < config.epochs:
            # The loader shuffles; Keras' own shuffle would make a resumed run see another order.
            model.fit(
                batches,
                epochs=config.epochs,
                initial_epoch=len(history),
                callbacks=[epochs],
                shuffle=False,
                verbose=0,
            )
    except KeyboardInterrupt:
        interrupted = True
    except Exception as error:
        interrupted = any(isinstance(each, KeyboardInterrupt) for each in memory.chain(error))
        if full := memory.shortage(error):
            again = None if count_processes() > 1 else lambda: _compiled(run, pixel_share, len(batches))[1]
            raise UsageError(memory.advice(full, config, count_devices(), again)) from error
        if not interrupted:
            raise
    best = epochs.best_miou if epochs.best_epoch else None
    return Outcome(len(history), epochs.best_epoch, best, interrupted, lineage(run).get("base_miou"))


def _compiled(run: Run, pixel_share: NDArray[np.float64], steps_per_epoch: int) -> tuple[Any, Any]:
    """The network that is trained, and what is fitted: the same, or it and its teacher."""
    config = run.config
    loss = make_loss(config.loss, pixel_share, config.class_power)
    with _precision(config.precision):
        network = start_network(run)
        if not config.qat:  # there norms are part of the convolutions
            network = with_fused_norms(network)
        model = network
        if config.teacher:
            model = beside(network, teacher_network(run))
            loss = distilled(loss, config.teacher_weight, config.temperature)
    model.compile(optimizer=make_optimizer(config, steps_per_epoch), loss=loss)
    model.optimizer.build(model.trainable_variables)  # for float16, compile() has wrapped it
    return network, model


def rare_classes(pixel_share: NDArray[np.float64]) -> list[int]:
    """The classes that are there with less than half of an even share of the pixels."""
    return [int(each) for each in np.flatnonzero((pixel_share > 0) & (pixel_share < 0.5 / len(pixel_share)))]


@contextmanager
def _precision(precision: str) -> Iterator[None]:
    """Layers built inside compute in `precision`; what was set before returns."""
    if precision == "auto":
        half = "mixed_bfloat16" if keras.backend.backend() == "jax" else "mixed_float16"
        precision = half if has_gpu() else "float32"
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _board(run: Run) -> Any:
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(run.path / "tensorboard"))


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Progress after each step; evaluation, checkpoints, history and early stop after each epoch."""

    def __init__(
        self,
        run: Run,
        network: Any,
        val: Sequence[Pair],
        history: list[dict[str, Any]],
        steps: int,
        on_progress: OnProgress | None,
        board: Any,
    ) -> None:
        super().__init__()
        self._run, self._network, self._val, self._history, self._steps = run, network, val, history, steps
        self._on_progress, self._board = on_progress, board
        best = max(history, key=lambda entry: float(entry["val_miou"]), default={"val_miou": -1.0, "epoch": 0})
        self.best_miou, self.best_epoch = float(best["val_miou"]), int(best["epoch"])
        self._epoch, self._started, self._loss = len(history) + 1, 0.0, math.nan
        self._validation_seconds = 0.0
        self._twin: Any = None
        self._predictor = KerasPredictor(network)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._started = epoch + 1, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._loss = float((logs or {}).get("loss", math.nan))
        if not math.isfinite(self._loss):
            raise UsageError(
                f"the loss is no longer a number in epoch {self._epoch}; begin again with a lower --learning-rate"
            )
        self._report(batch + 1, ended=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.monotonic() - self._started
        with self._averaged_weights():
            scores = evaluate(self._predictor, self._val, self._run.labels)
            if scores.miou > self.best_miou:
                self.best_miou, self.best_epoch = scores.miou, self._epoch
                if is_first():
                    self._save_best(scores)
        self._validation_seconds = time.monotonic() - self._started - seconds
        entry = {
            "epoch": self._epoch,
            "loss": self._loss,
            "val_miou": scores.miou,
            "val_pixel_accuracy": scores.pixel_accuracy,
            "val_iou": scores.iou,
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": round(seconds + self._validation_seconds, 2),
        }
        self._history.append(entry)
        if is_first():
            state.save(self._run, self._network, self.model.optimizer, self._epoch)
            write_json(self._run.path / HISTORY, self._history)
            plot(self._history, self._run.path / PLOT)
        if self._board:
            for key in ("loss", "val_miou", "val_pixel_accuracy", "learning_rate"):
                self._board.add_scalar(key, entry[key], self._epoch)
            self._board.flush()
        patience = self._run.config.patience
        if patience and self._epoch - self.best_epoch >= patience:
            self.model.stop_training = True
        self._report(self._steps, ended=True)

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """The model with its averaged weights; Keras has no public name for them."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        variables = self.model.trainable_variables
        raw = [keras.ops.convert_to_numpy(variable) for variable in variables]
        for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
            variable.assign(keras.ops.convert_to_numpy(average))
        try:
            yield
        finally:
            for variable, value in zip(variables, raw, strict=True):
                variable.assign(value)

    def _save_best(self, scores: Scores) -> None:
        """Save a float32 twin: what is deployed has nothing to do with the precision of training."""
        config, labels = self._run.config, self._run.labels
        if self._twin is None:
            with _precision("float32"), alone():
                self._twin = start_network(self._run)
        self._twin.set_weights(self._network.get_weights())
        score = {"split": "val", "miou" if config.qat else "float_miou": scores.miou}
        origin = {"data": self._run.data, "data_sha256": self._run.data_sha256, **lineage(self._run)}
        provenance = {**origin, **score, "epoch": self._epoch, "seed": config.seed}
        info = ModelInfo(config.model, labels, config.size, config.channels, "logits", provenance)
        with replacing(self._run.path / BEST) as temporary:
            self._twin.save(temporary)
            attach(temporary, info)

    def _report(self, step: int, ended: bool) -> None:
        if not (self._on_progress and is_first()):
            return
        per_step = (time.monotonic() - self._started - (self._validation_seconds if ended else 0)) / max(1, step)
        epochs = self._run.config.epochs
        steps_left = (epochs - self._epoch) * self._steps + self._steps - step
        validations_left = epochs - self._epoch + (0 if ended else 1)
        left = steps_left * per_step + validations_left * self._validation_seconds
        miou = float(self._history[-1]["val_miou"]) if self._history else None
        best = self.best_miou if self.best_epoch else None
        self._on_progress(Progress(self._epoch, epochs, step, self._steps, self._loss, miou, best, left, ended))
