"""From a folded network to one that rounds wherever the converter will."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError
from edgeseg.training.backend import keras, layers, ops
from edgeseg.training.qat.graph import Graph
from edgeseg.training.qat.layers import (
    FakeQuant,
    QuantConv2D,
    QuantConv2DTranspose,
    QuantDense,
    QuantDepthwiseConv2D,
    QuantRescaling,
)

REPLACED: dict[Any, Any] = {
    layers.Rescaling: QuantRescaling,
    layers.Conv2D: QuantConv2D,
    layers.DepthwiseConv2D: QuantDepthwiseConv2D,
    layers.Conv2DTranspose: QuantConv2DTranspose,
    layers.Dense: QuantDense,
}
FUSING: tuple[Any, ...] = (layers.Conv2D, layers.DepthwiseConv2D, layers.Conv2DTranspose, layers.Dense, layers.Add)
"""Their result is rounded after the ReLU that follows, where one does: the converter makes one operator of both."""
ROUNDING: tuple[Any, ...] = (
    *REPLACED,
    layers.InputLayer,
    layers.Add,
    layers.Concatenate,
    layers.GlobalAveragePooling2D,
)
SHARING: tuple[Any, ...] = (
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
    layers.Reshape,
    layers.Flatten,
    layers.Dropout,
    layers.SpatialDropout2D,
)
"""int8 keeps their input's range for their output."""
SUFFIX = "_quant"
MARGIN = 1.01
"""The scaled pixels' range is this much wider than they: with [-1, 1] each would lie halfway between two steps."""


def is_qat(model: Any) -> bool:
    """Whether `model` was prepared here."""
    return any(isinstance(layer, FakeQuant) for layer in model.layers)


def prepare(folded: Any) -> Any:
    """`folded` with rounded kernels, and a FakeQuant behind each layer whose output int8 will store.

    Ranges are yet to be set by `calibrate`. Raises ModelError that names the first layer that cannot be quantized.
    """
    graph = Graph(folded)
    rounded = {name for name, layer in graph.layers.items() if _is_rounded(graph, layer)}

    def clone(layer: Any) -> Any:
        return REPLACED.get(type(layer), type(layer)).from_config(layer.get_config())

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        if inputs[0] is first:
            inputs = (pixels(inputs[0]),)
        found = layer(*inputs, **settings)
        fixed = isinstance(layer, layers.Rescaling)
        return FakeQuant(fixed, name=layer.name + SUFFIX)(found) if layer.name in rounded else found

    first = keras.Input(batch_shape=folded.input.shape, name=folded.input.name)
    pixels = FakeQuant(True, name=first.name + SUFFIX)
    model = keras.models.clone_model(folded, input_tensors=first, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model


def plain(model: Any) -> Any:
    """The prepared `model` without any rounding: what `folded` was, with the weights as they are now."""
    before = {after: kind for kind, after in REPLACED.items()}

    def clone(layer: Any) -> Any:
        return before.get(type(layer), type(layer)).from_config(layer.get_config())

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        return inputs[0] if isinstance(layer, FakeQuant) else layer(*inputs, **settings)

    cloned = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in cloned.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return cloned


def calibrate(
    model: Any,
    folded: Any,
    batches: Iterable[NDArray[np.float32]],
    on_batch: Callable[[], None] | None = None,
) -> None:
    """Set the ranges of the prepared `model` to what `folded` shows on batches (N, *size, channels) in [0, 255]."""
    found = {each.name.removesuffix(SUFFIX): each for each in model.layers if isinstance(each, FakeQuant)}
    pixels = found.pop(folded.input.name)
    pixels.set_range(0.0, 255.0)
    outputs = [folded.get_layer(name).output for name in found]
    watch = keras.Model(folded.input, [ops.stack([ops.min(each), ops.max(each)]) for each in outputs])
    ends = np.zeros((len(found), 2), np.float32)
    for batch in batches:
        seen = np.stack([ops.convert_to_numpy(each) for each in watch(batch, training=False)])
        ends = np.stack([np.minimum(ends[:, 0], seen[:, 0]), np.maximum(ends[:, 1], seen[:, 1])], axis=1)
        if on_batch:
            on_batch()
    for (name, quant), (low, high) in zip(found.items(), ends, strict=True):
        layer = folded.get_layer(name)
        if isinstance(layer, layers.Rescaling):
            low, high = _scaled_pixels(layer)
        quant.set_range(float(low), float(high))


def _scaled_pixels(layer: Any) -> tuple[float, float]:
    scale, offset = np.asarray(layer.scale, np.float32), np.asarray(layer.offset, np.float32)
    ends = np.stack(np.broadcast_arrays(offset, 255 * scale + offset))
    return MARGIN * float(ends.min()), MARGIN * float(ends.max())


def _is_rounded(graph: Graph, layer: Any) -> bool:
    """Whether int8 stores the output of `layer` in a range of its own; raises ModelError where int8 has no such."""
    kind = type(layer)
    if kind is layers.InputLayer or kind in SHARING:
        return False
    sources = [graph.layers[name] for name in graph.sources[layer.name]]
    known = kind in ROUNDING or _is_relu(layer)
    if kind is layers.Rescaling:
        known = isinstance(sources[0], layers.InputLayer)
    elif kind is layers.Add:
        known = len(sources) == 2
    elif kind in REPLACED:
        known = _activation(layer) in ("linear", "relu", "relu6")
    if not known or getattr(layer, "data_format", "channels_last") == "channels_first":
        raise ModelError(
            f"layer '{layer.name}' ({kind.__name__}) cannot be trained for int8; "
            "build the network of convolutions, batch norm, ReLU, sums, pools and upsampling"
        )
    if kind in FUSING and _activation(layer) == "linear":
        return not _is_relu(graph.only_user(layer.name))
    return True


def _activation(layer: Any) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", "linear"))


def _is_relu(layer: Any) -> bool:
    if type(layer) is layers.Activation:
        return _activation(layer) in ("relu", "relu6")
    if type(layer) is not layers.ReLU:
        return False
    return layer.max_value in (None, 6) and not layer.negative_slope and not layer.threshold
