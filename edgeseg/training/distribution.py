"""Several devices, and several processes, that take each step of a training together.

Keras lays the batch over the devices and JAX compiles one step for all of them: statistics,
loss and gradients are those of the whole batch, as on one device.

Every process runs the same training and feeds its own rows of each batch. The first one
alone writes files, into a folder that all of them see.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

import numpy as np

from edgeseg.errors import OutputError, UsageError, first_line
from edgeseg.training.backend import keras

ADDRESS, COUNT, NUMBER = (f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"))
"""As Keras names them: host:port of the first process, how many there are, which one this is."""
FAREWELL_S = 60
"""That a process waits for the others at its end."""
_WELL, _FAILED = 0, 1


def connect() -> None:
    """Meet the other processes, where the environment names them; comes before any computation.

    Raises UsageError where it does so by halves, or the address is taken. JAX gives up by itself, and ends this
    process, where the others do not come in five minutes.
    """
    given = {name: os.environ[name] for name in (ADDRESS, COUNT, NUMBER) if os.environ.get(name)}
    if not given or given.get(COUNT) == "1":
        return
    missing = [name for name in (ADDRESS, COUNT, NUMBER) if name not in given]
    if missing:
        raise UsageError(f"{next(iter(given))} is set, but {missing[0]} is not; set all three, or none")
    _require_jax("several processes")
    import jax

    if jax.distributed.is_initialized():
        return
    address = given[ADDRESS].split(",")[0]
    if not (given[COUNT].isdigit() and given[NUMBER].isdigit() and int(given[NUMBER]) < int(given[COUNT])):
        raise UsageError(f"{NUMBER} runs from 0 to {COUNT} - 1, not {given[NUMBER]} of {given[COUNT]}")
    if not address.rpartition(":")[2].isdigit():
        raise UsageError(f"{ADDRESS} is host:port of the first process, not {address}")
    # It would take SIGTERM for itself, which is to end a training as Ctrl-C does.
    jax.config.update("jax_enable_preemption_service", False)  # type: ignore[no-untyped-call]
    try:
        # Keras' own `initialize` is this, but has a process wait five minutes for one that broke down.
        jax.distributed.initialize(address, int(given[COUNT]), int(given[NUMBER]), shutdown_timeout_seconds=FAREWELL_S)
    except RuntimeError as error:
        raise UsageError(
            f"{address}: the processes cannot meet there ({first_line(error)}); is the port free?"
        ) from error


def leave(code: int) -> NoReturn:
    """End this process with its exit code; one of several at once, for the others may wait for it in a step."""
    if _process()[1] > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def is_first() -> bool:
    """Whether this process writes the files."""
    return _process()[0] == 0


@contextmanager
def together(task: str = "") -> Iterator[None]:
    """What all processes do before they go on; `task` must be the same in all.

    Raises UsageError in all where it is not, and in the others where one fails inside.
    """
    if len(set(_gathered(zlib.crc32(task.encode())))) > 1:
        raise UsageError("the processes were asked different things; give all the same data and options")
    try:
        yield
    except BaseException:
        _gathered(_FAILED)
        raise
    if _FAILED in _gathered(_WELL):
        raise UsageError("another process of this training could not begin; see what it says")


def require_shared(path: Path) -> None:
    """Raise OutputError where the first process made `path` and this one does not see it."""
    with together(path.name):
        if not path.exists():
            raise OutputError(f"{path}: is not there for process {_process()[0]}; give all one shared folder")


def spread(
    batch: int, devices: int | None = None, on_note: Callable[[str], None] | None = None, resumed: bool = False
) -> AbstractContextManager[None]:
    """A context: networks made inside are on all devices, or on the first `devices` of each process.

    `on_note` gets a line where that is more than one, or where one of several GPUs is used for want of JAX. Raises
    UsageError where there are fewer, or they cannot share `batch` evenly, which a run that is `resumed` keeps.
    """
    names = _devices(devices, tell := on_note if on_note and is_first() else lambda line: None)
    count = _process()[1]
    if batch % len(names):
        fitting = batch + -batch % len(names)
        fewer = max(n for n in range(1, len(names)) if batch % n == 0)
        cures = [] if resumed else [f"--batch {fitting}"]
        cures += [f"--devices {fewer}"] if count == 1 else ["another number of processes"]
        raise UsageError(f"{len(names)} devices cannot share a batch of {batch} evenly; give {', or '.join(cures)}")
    if len(names) == 1:
        return nullcontext()
    tell(f"each step runs on {len(names)} devices" + (f" of {count} processes" if count > 1 else ""))
    scope: AbstractContextManager[None] = keras.distribution.DataParallel(
        devices=names, auto_shard_dataset=False
    ).scope()
    return scope


@contextmanager
def alone() -> Iterator[None]:
    """Networks made inside are on one device, of this process alone."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def count_devices() -> int:
    """How many share each batch."""
    current = keras.distribution.distribution()
    return 1 if current is None else int(current.device_mesh.backend_mesh.devices.size)


def count_processes() -> int:
    """How many train together."""
    return _process()[1]


def own_rows(batch: int) -> Sequence[int]:
    """The rows of a batch of `batch` that this process feeds, rising."""
    current = keras.distribution.distribution()
    if current is None:
        return range(batch)
    owners = [device.process_index for device in current.device_mesh.backend_mesh.devices.flat]
    return [row for row in range(batch) if owners[row * len(owners) // batch] == _process()[0]]


def _devices(count: int | None, tell: Callable[[str], None]) -> list[str]:
    """Keras' names of those to use: of all, or of the first `count` of each process."""
    if count is not None and count < 1:
        raise UsageError(f"--devices must be at least 1, not {count}")
    if keras.backend.backend() != "jax":
        if (count or 1) > 1:
            _require_jax("several devices")
        if _gpus() > 1:
            tell(f"one of {_gpus()} GPUs is used; several devices need KERAS_BACKEND=jax")
        return ["the only one"]
    import jax

    owned: dict[int, list[str]] = {}
    for name, device in zip(keras.distribution.list_devices(), jax.devices(), strict=True):
        owned.setdefault(device.process_index, []).append(name)
    fewest = min(map(len, owned.values()))
    if count and count > fewest:
        raise UsageError(f"--devices {count}: there are only {fewest}")
    return [name for names in owned.values() for name in names[:count]]


def _gpus() -> int:
    if keras.backend.backend() == "torch":
        import torch

        return int(torch.cuda.device_count())
    return len(keras.distribution.list_devices("gpu"))


def _require_jax(what: str) -> None:
    if keras.backend.backend() != "jax":
        raise UsageError(f"{what} need KERAS_BACKEND=jax; this is {keras.backend.backend()}")


def _process() -> tuple[int, int]:
    """(which this is, of how many)."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def _gathered(word: int) -> list[int]:
    """The word of every process; waits for all."""
    if _process()[1] == 1:
        return [word]
    from jax.experimental.multihost_utils import process_allgather

    return [int(each) for each in process_allgather(np.uint32(word))]
