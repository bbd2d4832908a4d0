"""Batch norm absorbed into the layer before it, as the converter absorbs it.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018), section 3.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError
from edgeseg.training.backend import keras, layers, ops
from edgeseg.training.qat.graph import Graph

FOLDS = (layers.Conv2D, layers.DepthwiseConv2D, layers.Conv2DTranspose)


def fold(model: Any) -> Any:
    """The same network in float32 without batch norm; equal to the inference of `model`.

    Raises ModelError for a batch norm that does not follow a convolution.
    """
    graph = Graph(model)
    norms: dict[str, Any] = {}
    """Batch norms by the name of the convolution that takes them in."""
    for name, layer in graph.layers.items():
        if not isinstance(layer, layers.BatchNormalization):
            continue
        (source,) = graph.sources[name]
        before = graph.layers[source]
        if type(before) not in FOLDS or not _linear(before) or graph.only_user(source) is not layer:
            raise ModelError(f"layer '{name}' is a batch norm without a convolution of its own; put one before it")
        norms[source] = layer
    gone = {norm.name for norm in norms.values()}

    def clone(layer: Any) -> Any:
        config = layer.get_config() | {"dtype": "float32"}
        if layer.name in norms:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        return inputs[0] if layer.name in gone else layer(*inputs, **settings)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if layer.weights:
            old = graph.layers[layer.name]
            layer.set_weights(_absorb(old, norms[layer.name]) if layer.name in norms else old.get_weights())
    return folded


def _linear(layer: Any) -> bool:
    return layer.activation is keras.activations.linear


def _array(variable: Any) -> NDArray[np.float32]:
    return np.asarray(ops.convert_to_numpy(variable))


def _absorb(layer: Any, norm: Any) -> list[Any]:
    """Kernel and bias of `layer` with `norm` behind it."""
    mean, variance = _array(norm.moving_mean), _array(norm.moving_variance)
    gain = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        gain = gain * _array(norm.gamma)
    bias = _array(layer.bias) if layer.use_bias else np.zeros_like(mean)
    bias = (bias - mean) * gain
    if norm.center:
        bias = bias + _array(norm.beta)
    kernel = _array(layer.kernel)
    if isinstance(layer, layers.DepthwiseConv2D):
        gain = gain.reshape(kernel.shape[2:])
    elif isinstance(layer, layers.Conv2DTranspose):
        gain = gain[:, None]
    return [kernel * gain, bias]
