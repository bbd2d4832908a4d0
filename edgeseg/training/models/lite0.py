"""EfficientNet-Lite0, which `nano-lite0`, `small` and `medium` are made of: ReLU6 and no squeeze-excite, fit for int8.

Layer shapes and names are such that the ImageNet weights of the original (Apache-2.0,
TensorFlow TPU models, 2020) fit: see `edgeseg.training.pretrained.lite0`.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.models import blocks
from edgeseg.training.models.blocks import Tensor

STEM = 32
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""(expansion, channels, repeats, stride, kernel) of each stage."""
DROP = 0.1
"""Stochastic depth of the last stage; less before, in proportion."""


def encode(x: Tensor, stages: int) -> dict[int, Tensor]:
    """Scaled pixels through the stem and so many stages: by stride, the last map there."""
    x = blocks.conv(x, STEM, 3, "stem", stride=2)
    reached, last = 2, {}
    for number, shape in enumerate(STAGES[:stages], 1):
        x = blocks.stage(x, shape, f"stage{number}", DROP * number / stages)
        reached *= shape[3]
        last[reached] = x
    return last


def build(name: str, stages: int, decoder: int, size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """So many stages, and a light decoder of `decoder` channels up to stride 4."""
    inputs, x = blocks.pixels(size, channels)
    encoded = encode(x, stages)
    deepest, *between = sorted((stride for stride in encoded if stride >= 4), reverse=True)
    x = blocks.conv(encoded[deepest], decoder, 1, "neck")
    x = blocks.separable(x, decoder, 5, "context")
    for stride in between:
        x = blocks.merge_up(x, encoded[stride], decoder, f"decode{stride}")
    return keras.Model(inputs, blocks.logits(x, num_classes), name=name)
