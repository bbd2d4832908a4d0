"""EfficientNet-Lite0 down to stride 16, and a light decoder up to stride 4.

The encoder keeps the layer shapes of EfficientNet-Lite0 (Apache-2.0, TensorFlow TPU
models, 2020) up to its 112-channel stage: ReLU6 and no squeeze-excite, made for int8.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.models import blocks

STRIDE = 16
OUTPUT_STRIDE = 4
STEM = 32
STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5))
"""(expansion, channels, repeats, stride, kernel) of each stage."""
DECODER = 64


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    inputs, x = blocks.pixels(size, channels)
    x = blocks.conv(x, STEM, 3, "stem", stride=2)
    at_stride, reached = {}, 2
    for number, shape in enumerate(STAGES, 1):
        x = blocks.stage(x, shape, f"stage{number}")
        reached *= shape[3]
        at_stride[reached] = x
    x = blocks.conv(x, DECODER, 1, "neck")
    x = blocks.separable(x, DECODER, 5, "context")
    for stride in (8, 4):
        x = blocks.merge_up(x, at_stride[stride], DECODER, f"decode{stride}")
    return keras.Model(inputs, blocks.logits(x, num_classes), name="small")
