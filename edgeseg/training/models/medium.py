"""The whole of EfficientNet-Lite0, and a decoder up to stride 4: what a large board bears, and a teacher of the others.

Its first five stages are those of `small`, so that each can begin from the other's weights.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.models import blocks, lite0

DECODER = 96


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    inputs, x = blocks.pixels(size, channels)
    encoded = lite0.encode(x, len(lite0.STAGES))
    x = blocks.conv(encoded[32], DECODER, 1, "neck")
    x = blocks.separable(x, DECODER, 5, "context")
    for stride in (16, 8, 4):
        x = blocks.merge_up(x, encoded[stride], DECODER, f"decode{stride}")
    return keras.Model(inputs, blocks.logits(x, num_classes), name="medium")
