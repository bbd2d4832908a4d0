"""From a data set and a configuration to a trained run folder; Keras is loaded once both are known to be sound."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeseg.data.check import Report, check
from edgeseg.data.dataset import Dataset, open_dataset
from edgeseg.errors import DataError, MissingExtraError, OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.training.recipe import changed
from edgeseg.training.run import CONFIG, TEACHER, VERSION, Run, TrainConfig, open_run, refuse_existing

if TYPE_CHECKING:  # Keras takes seconds to load: mistakes are found before
    from edgeseg.training.fit import OnProgress, Outcome
    from edgeseg.training.weights import OnPrepare, Origin


def train(
    data: Path,
    out: Path,
    config: TrainConfig,
    *,
    ignore: Iterable[int] = (),
    force: bool = False,
    tensorboard: bool = False,
    devices: int | None = None,
    approve: Callable[[Labels], None] | None = None,
    on_check: Callable[[int, int], None] | None = None,
    on_prepare: OnPrepare | None = None,
    on_note: Callable[[str], None] | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Check `data`, then train into the new folder `out`, on all devices or on so many of each process.

    `approve` gets the classes before anything is made, and may raise against it; `on_note`
    gets lines on the devices and on the weights that the network begins with. Raises DataError
    where the data do not pass the check, ModelError where `config.weights` or `config.teacher`
    do not fit, RunExistsError where `out` holds something and `force` is false, UsageError
    where the devices cannot share a batch.
    """
    _require_extras(tensorboard)
    if not force:
        refuse_existing(out)
    dataset = open_dataset(data, ignore)
    report = check(dataset, on_check)
    _require(dataset, report)
    from edgeseg.training.distribution import connect, is_first, require_shared, spread, together
    from edgeseg.training.weights import open_origin, open_teacher

    connect()
    if approve:
        approve(report.labels)
    scope = spread(config.batch, devices, on_note)
    run = Run(out, config, report.labels, data.resolve().name, dataset.fingerprint())
    with together(repr((config, run.labels, run.data_sha256, devices))):
        pairs = dataset.split("train"), dataset.split("val")
        origin = open_origin(config, report.labels, *pairs, on_prepare) if config.weights else None
        teacher = open_teacher(config, report.labels) if config.teacher else None
        if is_first():
            if origin and on_note:
                on_note(origin.describe())
            if teacher and on_note:
                on_note(f"taught by {teacher.name}")
            _make(run, origin, teacher, force)
    require_shared(out / CONFIG)
    return _fit(run, dataset, report, False, tensorboard, on_progress, scope)


def resume(
    data: Path,
    out: Path,
    *,
    epochs: int | None = None,
    tensorboard: bool = False,
    devices: int | None = None,
    on_check: Callable[[int, int], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Continue the run in `out` where it stopped, with its own configuration but for `epochs` and `devices`.

    Raises DataError where `data` are not what the run began with, UsageError where the devices
    cannot share a batch.
    """
    run = open_run(out)
    if run.version != VERSION:
        raise DataError(f"{out}: was begun by an older edgeseg, whose views differ; begin anew with --force")
    dataset = open_dataset(data, run.labels.ignore)
    report = check(dataset, on_check)
    _require(dataset, report)
    if dataset.fingerprint() != run.data_sha256:
        raise DataError(f"{data}: is not what {out} was trained on; begin a new run with -o another folder")
    if epochs is not None and epochs != run.config.epochs:
        if len(run.history()) > epochs:
            raise UsageError(f"{out}: has {len(run.history())} epochs behind it already; give --epochs above that")
        recipe = changed(run.config.recipe, ["epochs"]) if run.config.recipe else None
        run = replace(run, config=replace(run.config, epochs=epochs, recipe=recipe))
    from edgeseg.training.distribution import connect, is_first, spread, together

    connect()
    scope = spread(run.config.batch, devices, on_note, resumed=True)
    with together(repr((run.config, run.data_sha256, len(run.history()), devices))):
        if epochs and is_first():
            run.save()
    return _fit(run, dataset, report, True, tensorboard, on_progress, scope)


def _require(dataset: Dataset, report: Report) -> None:
    report.require()
    dataset.split("train")
    dataset.split("val")


def _make(run: Run, origin: Origin | None, teacher: Origin | None, force: bool) -> None:
    if force:
        _remove(run.path)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{run.path}: cannot be made ({error.strerror}); choose another place") from error
    run.save()
    if origin:
        origin.save(run.path)
    if teacher:
        teacher.save(run.path, TEACHER)


def _fit(
    run: Run,
    dataset: Dataset,
    report: Report,
    again: bool,
    tensorboard: bool,
    on_progress: OnProgress | None,
    scope: AbstractContextManager[None],
) -> Outcome:
    from edgeseg.training.fit import fit

    share = report.pixel_share("train")
    with scope:
        return fit(run, dataset.split("train"), dataset.split("val"), share, again, on_progress, tensorboard)


def _require_extras(tensorboard: bool) -> None:
    """Raise MissingExtraError now for what would be missing after the first epoch."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "train")
    if tensorboard and importlib.util.find_spec("tensorboardX") is None:
        raise MissingExtraError("tensorboardX", "tensorboard")


def _remove(out: Path) -> None:
    """Delete an old run, and nothing that is not one."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / CONFIG).is_file()):
        raise OutputError(f"{out}: is no run folder, so --force leaves it alone; choose another")
    shutil.rmtree(out, ignore_errors=True)
