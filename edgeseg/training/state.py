"""What a run needs to go on where it stopped: weights, statistics and the optimizer's own, as they are."""

from __future__ import annotations

import zipfile
from typing import Any

import numpy as np

from edgeseg.errors import DataError
from edgeseg.files import replacing
from edgeseg.training.backend import keras
from edgeseg.training.run import STATE, Run


def save(run: Run, network: Any, optimizer: Any, epoch: int) -> None:
    """Write the state after `epoch` epochs into the run folder."""
    arrays = {f"{i:04d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(_variables(network, optimizer))}
    with replacing(run.path / STATE) as temporary, temporary.open("wb") as file:
        np.savez(file, epoch=np.int64(epoch), **arrays)


def load(run: Run, network: Any, optimizer: Any, epochs: int) -> None:
    """Take up the state after `epochs` epochs; raises DataError where it is another's, or that of another epoch."""
    variables, path = _variables(network, optimizer), run.path / STATE
    try:
        arrays = dict(np.load(path))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read; begin anew with --force") from error
    if len(arrays) != len(variables) + 1:
        raise DataError(f"{path}: belongs to another model; begin anew with --force")
    if arrays["epoch"] != epochs:
        raise DataError(f"{path}: is from epoch {arrays['epoch']}, the history from {epochs}; begin anew with --force")
    for i, variable in enumerate(variables):
        variable.assign(arrays[f"{i:04d}"])


def _variables(network: Any, optimizer: Any) -> list[Any]:
    """Weights, statistics, seeds of dropout, and the optimizer's own."""
    return [*network.trainable_variables, *network.non_trainable_variables, *optimizer.variables]
