"""When a training step has no room: which batch would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeseg.training.run import TrainConfig

TYPES = ("ResourceExhaustedError", "OutOfMemoryError")
"""TensorFlow's and PyTorch's; of others, the message tells."""
TEXTS = ("RESOURCE_EXHAUSTED", "Status: 1, message: could not create a")
"""JAX's, and that of oneDNN below TensorFlow on CPUs."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those in whose handling it came up: Keras may stumble over what a step under JAX left behind."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def exhausted(error: BaseException) -> bool:
    """Whether `error` says that there is no more memory, in any backend's words or Python's."""
    by_type = isinstance(error, MemoryError) or type(error).__name__ in TYPES
    return by_type or any(each in str(error) for each in TEXTS)


def shortage(error: BaseException) -> BaseException | None:
    """The one in the chain of `error` that says so, if any."""
    return next((each for each in chain(error) if exhausted(each)), None)


def advice(error: BaseException, config: TrainConfig, devices: int, compiled: Callable[[], Any] | None) -> str:
    """What to do about a step that had no room, as one line.

    The batch that fits is found by trying on what `compiled` gives, but not where that is None, or
    where the images alone were too many for the host, which such trials would take with them.
    """
    where = f"there is no memory for {config.batch} images of {config.size[0]}x{config.size[1]} a step"
    if isinstance(error, MemoryError) or compiled is None:
        return f"{where}; begin again with a smaller --batch"
    batch = fitting_batch(compiled(), config, devices)
    return f"{where}; begin again with --batch {batch}" if batch else f"{where}, nor for fewer; choose a smaller --size"


def fitting_batch(model: Any, config: TrainConfig, devices: int = 1) -> int:
    """The largest half, quarter… of `config.batch` that `devices` can share and whose step fits; 0 where none does.

    `model` is compiled, and of no use afterwards: it has learned from black images.
    """
    height, width = config.size
    labels = (height // config.loss_stride, width // config.loss_stride)
    batch = config.batch // 2
    while batch and batch % devices == 0:
        try:
            images = np.zeros((batch, height, width, config.channels), np.float32)
            model.train_on_batch(images, np.zeros((batch, *labels), np.int32))
        except Exception as error:
            if not shortage(error):
                raise
            batch //= 2
        else:
            return batch
    return 0
