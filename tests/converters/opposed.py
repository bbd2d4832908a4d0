"""A small network, untrained, with two branches whose biases cancel in a sum: good in float32, lost in int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIZE = (32, 48)
CLASSES = 4
OFFSET = 300.0


def network(offset: float) -> Callable[[Any], Any]:
    """A function from pixels (1, *SIZE, 3) in [0, 1] to logits at half the size; +-`offset` in 'left' and 'right'."""

    def build(x: Any) -> Any:
        import keras
        from keras import layers

        def biases(sign: float) -> Callable[..., np.ndarray]:
            return lambda shape, dtype=None: np.where(np.arange(shape[0]) % 2, sign, -sign).astype(np.float32)

        last = keras.initializers.Orthogonal(4.0)
        x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem")(x)
        deep = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="deep")(x)
        left = layers.Conv2D(8, 1, name="left", bias_initializer=biases(offset))(deep)
        right = layers.Conv2D(8, 1, name="right", bias_initializer=biases(-offset))(x)
        x = layers.ReLU(6.0, name="sum_relu")(layers.Add(name="sum")([left, right]))
        return layers.Conv2D(CLASSES, 1, name="logits", kernel_initializer=last)(x)

    return build


def write_pictures(folder: Path, count: int) -> list[str]:
    """Smooth random pictures of SIZE; their paths."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [str(folder / f"{i:02d}.png") for i in range(count)]
    for path in paths:
        coarse = rng.integers(0, 256, (8, 12, 3)).astype(np.uint8)
        cv2.imwrite(path, cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC))
    return paths
