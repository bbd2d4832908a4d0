"""Where quantization hurts: the layers by the error that arises in them, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.tflite.operators import operators
from converters.tflite.runtime import transparent
from converters.windows import windows
from edgeseg.images import Image
from edgeseg.segmenter import feed

UNEVEN = 8.0
"""A tensor so many times wider than its middle channel wastes three of eight bits on most channels."""
UNNAMED = "StatefulPartitionedCall"
"""What TensorFlow calls the tensors of a signature's outputs."""
_SAMPLE = 200_000
"""Values of one tensor that are looked at for each frame."""


@dataclass(frozen=True)
class LayerError:
    """What one layer of the result makes of the float model's values."""

    layer: str
    """As Keras calls it, where the name still shows it."""
    op: str
    tensor: str
    error: float
    """Mean over channels of the error's RMS over the channel's spread, at most 1 each, 0..1."""
    own: float
    """What of `error` was not there in the layer's inputs, 0..1."""
    width: float
    """Range of the whole tensor over the range of its middle channel; 1: all alike."""

    @property
    def words(self) -> str:
        """One clause that says how bad it is and why."""
        share = f"its values are off by {100 * self.error:.1f} % of their spread"
        if self.own**2 > 0.5 * self.error**2:
            share += ", most of it from here"
        elif self.own < 0.05 * self.error:
            share += ", none of it from here"
        if self.width > UNEVEN:
            share += f"; its channels differ: the tensor is {self.width:.0f} times as wide as its middle channel"
        return share


class Probe:
    """A model that lets all its tensors be read; slow, for a few frames."""

    def __init__(self, model: bytes, input_range: tuple[float, float]) -> None:
        self._interpreter = transparent(model)
        self._range = input_range
        self._details = {each["name"]: each for each in self._interpreter.get_tensor_details()}

    def __call__(self, image: Image, names: Iterable[str]) -> Iterable[tuple[str, NDArray[np.float32]]]:
        """Run on pixels HxWxC uint8 and give the real values of the named tensors, (values, channels) each."""
        index = self._interpreter.get_input_details()[0]["index"]
        tensor = np.empty_like(self._interpreter.get_tensor(index)[0])
        feed(tensor, image, self._range)
        self._interpreter.set_tensor(index, tensor[None])
        self._interpreter.invoke()
        for name in names:
            yield name, self._real(self._details[name])

    def _real(self, details: Mapping[str, Any]) -> NDArray[np.float32]:
        raw = self._interpreter.get_tensor(details["index"])
        values = raw.reshape(-1, raw.shape[-1] if raw.ndim else 1)
        values = values[:: max(1, values.size // _SAMPLE)].astype(np.float32)
        scale, zero_point = details["quantization"]
        return np.asarray((values - zero_point) * scale if scale else values, np.float32)


def ranked(
    float_model: bytes, result: bytes, images: Sequence[Image], input_range: tuple[float, float]
) -> list[LayerError]:
    """Layers that both models have, by `own` error, the worst first.

    `images` are pixels (height, width, channels) uint8 at the models' size. Tensors are
    matched by name; class ids and constants are left out.
    """
    before = operators(float_model)
    after = {each.outputs[0].name for each in operators(result)}
    layers = {
        each.outputs[0].name: each
        for each in before
        if each.outputs[0].name in after and each.outputs[0].dtype == "float32" and each.op != "DEQUANTIZE"
    }
    sums, seen = {name: _Sums() for name in layers}, windows(float_model)
    one, other = Probe(float_model, input_range), Probe(result, input_range)
    for image in images:
        pairs = zip(one(image, layers), other(image, layers), strict=True)
        for (name, truth), (_, found) in pairs:
            if name in seen:  # what the next operator cannot tell apart is no error
                truth, found = np.clip(truth, *seen[name]), np.clip(found, *seen[name])
            sums[name].add(truth, found)
    errors = {name: each.error() for name, each in sums.items()}
    found_errors = []
    for name, operator in layers.items():
        inherited = max((errors.get(tensor.name, 0.0) for tensor in operator.inputs if not tensor.constant), default=0)
        own = float(np.sqrt(max(0.0, errors[name] ** 2 - inherited**2)))
        found_errors.append(LayerError(layer_of(name), operator.op, name, errors[name], own, sums[name].width()))
    return sorted(found_errors, key=lambda each: -each.own)


def layer_of(tensor: str) -> str:
    """The Keras layer that a tensor of an exported network came from: 'small_1/stem_relu_1/Relu6;…' → 'stem'."""
    if tensor.startswith(UNNAMED):
        return "output"
    parts = tensor.split(";")[0].split("/")
    name = parts[1] if len(parts) > 1 else parts[0]
    return re.sub(r"_(relu|norm)$", "", re.sub(r"_\d+$", "", name)) if len(parts) > 1 else name


class _Sums:
    """Moments by channel, gathered frame by frame."""

    def __init__(self) -> None:
        self.count, self.total, self.squares, self.wrong = 0, np.zeros(1), np.zeros(1), np.zeros(1)
        self.low, self.high = np.full(1, np.inf), np.full(1, -np.inf)

    def add(self, truth: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        self.count += len(truth)
        self.total = self.total + truth.sum(axis=0, dtype=np.float64)
        self.squares = self.squares + (truth.astype(np.float64) ** 2).sum(axis=0)
        self.wrong = self.wrong + ((truth - found).astype(np.float64) ** 2).sum(axis=0)
        self.low, self.high = np.minimum(self.low, truth.min(axis=0)), np.maximum(self.high, truth.max(axis=0))

    def error(self) -> float:
        variance = self.squares / self.count - (self.total / self.count) ** 2
        alive = variance > 1e-12 * max(1.0, float(variance.max()))
        if not alive.any():
            return 0.0
        return float(np.minimum(1, np.sqrt(self.wrong[alive] / self.count / variance[alive])).mean())

    def width(self) -> float:
        ranges = self.high - self.low
        middle = float(np.median(ranges[ranges > 0])) if (ranges > 0).any() else 0.0
        return float((self.high.max() - self.low.min()) / middle) if middle else 1.0
