"""The networks, by name: what sizes they take, and how to build them; Keras is loaded to build one.

Every network takes RGB (or grey) pixels as float32 in [0, 255], scales them inside, and
gives logits at its output stride. Softmax, resizing and argmax are no part of it, so that
each export can choose its own end.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from edgeseg.errors import SizeError, UsageError


@dataclass(frozen=True)
class Network:
    """A module of this package, whose `build` makes it."""

    name: str
    stride: int
    """Height and width must be multiples of it."""
    output_stride: int
    """Pixels of input for one pixel of logits."""
    imagenet: bool = False
    """Whether ImageNet weights fit its encoder."""

    def build(self, size: tuple[int, int], channels: int, num_classes: int) -> Any:
        """A keras.Model from (batch, *size, channels) to (batch, *size/output_stride, num_classes)."""
        module = importlib.import_module(f"{__name__}.{self.name.replace('-', '_')}")
        return module.build(size, channels, num_classes)


_ALL = (
    Network("fcn", 32, 8),
    Network("nano", 16, 4),
    Network("nano-lite0", 16, 4, imagenet=True),
    Network("small", 16, 4, imagenet=True),
    Network("medium", 32, 4, imagenet=True),
)
MODELS = {each.name: each for each in _ALL}


def with_imagenet() -> str:
    """The names of those whose encoder ImageNet weights fit, as a sentence lists them."""
    *others, last = (each.name for each in _ALL if each.imagenet)
    return f"{', '.join(others)} or {last}"


def network(name: str) -> Network:
    """Look a network up; raises UsageError that lists the known ones."""
    if name not in MODELS:
        raise UsageError(f"no model is called '{name}'; known models are {', '.join(MODELS)}")
    return MODELS[name]


def build(name: str, size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """Build a network by name; raises SizeError where its stride does not divide `size`."""
    check_size(name, size)
    return network(name).build(size, channels, num_classes)


def check_size(name: str, size: tuple[int, int]) -> None:
    """Raises SizeError that names the nearest sizes that do fit."""
    stride = network(name).stride
    if all(length > 0 and length % stride == 0 for length in size):
        return
    below = [max(stride, length // stride * stride) for length in size]
    above = [max(stride, -(-length // stride) * stride) for length in size]
    raise SizeError(
        f"{name} needs a height and width that {stride} divides, not {size[0]}x{size[1]}; "
        f"{below[0]}x{below[1]} and {above[0]}x{above[1]} do"
    )
