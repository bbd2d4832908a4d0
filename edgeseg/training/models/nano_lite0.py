"""Little more than `nano`, with ImageNet weights: EfficientNet-Lite0 down to its 80-channel stage, and a thin decoder.

Its stages are the first of `small`, so that each can begin from the other's weights.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.models import blocks, lite0

STAGES = 4
DECODER = 48


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    inputs, x = blocks.pixels(size, channels)
    encoded = lite0.encode(x, STAGES)
    x = blocks.conv(encoded[16], DECODER, 1, "neck")
    x = blocks.separable(x, DECODER, 5, "context")
    for stride in (8, 4):
        x = blocks.merge_up(x, encoded[stride], DECODER, f"decode{stride}")
    return keras.Model(inputs, blocks.logits(x, num_classes), name="nano-lite0")
