"""The textbook network: a VGG-like classifier made fully convolutional.

Convolutions and max-pooling five times over; the classifier's dense layers as a 5x5 and a
1x1 convolution; class scores of the last three scales added on the way up. After Long,
Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015),
FCN-8s, with batch norm, and narrow enough to train on a laptop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeseg.training.backend import keras, layers
from edgeseg.training.models import blocks

WIDTHS = (16, 32, 64, 96, 128)
DENSE = 256


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    inputs, x = blocks.pixels(size, channels)
    pooled = []
    for stage, width in enumerate(WIDTHS, 1):
        x = blocks.conv(x, width, 3, f"conv{stage}_1")
        x = blocks.conv(x, width, 3, f"conv{stage}_2")
        x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
        pooled.append(x)
    x = blocks.conv(x, DENSE, 5, "fc6")
    x = layers.Dropout(0.2, name="drop6")(x)
    x = blocks.conv(x, DENSE, 1, "fc7")
    x = layers.Dropout(0.2, name="drop7")(x)
    x = layers.Conv2D(num_classes, 1, name="score7")(x)
    for stage in (4, 3):
        x = _double(x, num_classes, f"up{stage}")
        score = layers.Conv2D(num_classes, 1, name=f"score{stage}")(pooled[stage - 1])
        x = layers.Add(name=f"fuse{stage}", dtype="float32")([x, score])
    return keras.Model(inputs, x, name="fcn")


def _double(x: Any, num_classes: int, name: str) -> Any:
    """Upsample scores by a transposed convolution that starts as bilinear interpolation."""
    ramp = np.array((0.25, 0.75, 0.75, 0.25), np.float32)
    kernel = np.einsum("y,x,ab->yxab", ramp, ramp, np.eye(num_classes, dtype=np.float32))
    up = layers.Conv2DTranspose(num_classes, 4, 2, "same", name=name)
    x = up(x)
    up.kernel.assign(kernel)
    return x
