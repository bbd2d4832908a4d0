"""Building blocks that stay fast and exact in int8.

Convolutions carry no bias before a batch norm, which the converter folds; ReLU6 bounds
every activation; upsampling between stages is a transposed convolution without
activation, which XNNPACK runs in int8 and the Edge TPU maps at any size.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras, layers

BN_MOMENTUM = 0.9
"""Statistics follow within ten steps; Keras' 0.99 lags behind short trainings."""

Tensor = Any


def pixels(size: tuple[int, int], channels: int) -> tuple[Tensor, Tensor]:
    """An input of pixels in [0, 255] and the same scaled to about [-1, 1]."""
    inputs = keras.Input((*size, channels), name="image")
    return inputs, layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(inputs)


def conv(x: Tensor, filters: int, kernel: int, name: str, stride: int = 1, relu: bool = True) -> Tensor:
    """Convolution, batch norm and, unless told otherwise, ReLU6."""
    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(x)
    return _norm(x, name, relu)


def depthwise(x: Tensor, kernel: int, name: str, stride: int = 1, relu: bool = True) -> Tensor:
    """Depthwise convolution, batch norm and, unless told otherwise, ReLU6."""
    x = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=name)(x)
    return _norm(x, name, relu)


def separable(x: Tensor, filters: int, kernel: int, name: str) -> Tensor:
    """Depthwise, then pointwise, each with batch norm and ReLU6."""
    return conv(depthwise(x, kernel, f"{name}_depthwise"), filters, 1, f"{name}_pointwise")


def inverted_residual(
    x: Tensor, filters: int, kernel: int, expansion: int, name: str, stride: int = 1, drop: float = 0.0
) -> Tensor:
    """Expand, filter by channel, project; added to its input where the shapes allow.

    With probability `drop` training leaves an image's addition out: Huang et al., "Deep
    Networks with Stochastic Depth" (2016).

    Sandler et al., "MobileNetV2" (2018), with kernels of any size as in EfficientNet-Lite.
    """
    entry = x
    if expansion > 1:
        x = conv(x, entry.shape[-1] * expansion, 1, f"{name}_expand")
    x = depthwise(x, kernel, f"{name}_depthwise", stride)
    x = conv(x, filters, 1, f"{name}_project", relu=False)
    if stride == 1 and entry.shape[-1] == filters:
        if drop:
            x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
        x = layers.Add(name=f"{name}_add")([entry, x])
    return x


def stage(x: Tensor, shape: tuple[int, int, int, int, int], name: str, drop: float = 0.0) -> Tensor:
    """Inverted residuals; `shape` is (expansion, filters, repeats, stride, kernel), the first one strides."""
    expansion, filters, repeats, stride, kernel = shape
    for repeat in range(repeats):
        x = inverted_residual(x, filters, kernel, expansion, f"{name}_{repeat}", stride if repeat == 0 else 1, drop)
    return x


def merge_up(x: Tensor, lateral: Tensor, filters: int, name: str) -> Tensor:
    """Double the size of `x`, add the projected `lateral`, and smooth the seam."""
    x = layers.Conv2DTranspose(filters, 2, 2, "same", name=f"{name}_up")(x)
    lateral = conv(lateral, filters, 1, f"{name}_lateral", relu=False)
    x = layers.ReLU(6.0, name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, lateral]))
    return separable(x, filters, 3, f"{name}_smooth")


def logits(x: Tensor, num_classes: int) -> Tensor:
    """Scores per class; float32 also under mixed precision."""
    return layers.Conv2D(num_classes, 1, name="logits", dtype="float32")(x)


def _norm(x: Tensor, name: str, relu: bool) -> Tensor:
    x = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x
