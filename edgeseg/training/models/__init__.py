"""The networks: a module each, `STRIDE` and `build`, listed in `MODELS`.

Every network takes RGB (or grey) pixels as float32 in [0, 255], scales them inside, and
gives logits at `OUTPUT_STRIDE`. Softmax, resizing and argmax are no part of it, so that
each export can choose its own end.
"""

from __future__ import annotations

from typing import Any, Protocol

from edgeseg.errors import SizeError, UsageError
from edgeseg.training.models import fcn, nano, small


class Network(Protocol):
    """What a module in `MODELS` offers."""

    STRIDE: int
    """Height and width must be multiples of it."""
    OUTPUT_STRIDE: int
    """Pixels of input for one pixel of logits."""

    def build(self, size: tuple[int, int], channels: int, num_classes: int) -> Any:
        """A keras.Model from (batch, *size, channels) to (batch, *size/OUTPUT_STRIDE, num_classes)."""


MODELS: dict[str, Network] = {"fcn": fcn, "nano": nano, "small": small}


def network(name: str) -> Network:
    """Look a network up; raises UsageError that lists the known ones."""
    if name not in MODELS:
        raise UsageError(f"no model is called '{name}'; known models are {', '.join(MODELS)}")
    return MODELS[name]


def build(name: str, size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """Build a network by name; raises SizeError where its stride does not divide `size`."""
    found = network(name)
    check_size(name, size)
    return found.build(size, channels, num_classes)


def check_size(name: str, size: tuple[int, int]) -> None:
    """Raises SizeError that names the nearest sizes that do fit."""
    stride = network(name).STRIDE
    if all(length > 0 and length % stride == 0 for length in size):
        return
    below = [max(stride, length // stride * stride) for length in size]
    above = [max(stride, -(-length // stride) * stride) for length in size]
    raise SizeError(
        f"{name} needs a height and width that {stride} divides, not {size[0]}x{size[1]}; "
        f"{below[0]}x{below[1]} and {above[0]}x{above[1]} do"
    )
