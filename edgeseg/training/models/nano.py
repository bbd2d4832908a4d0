"""The smallest: plain convolutions while the map is large, inverted residuals below.

At strides 2 and 4 a 3x3 convolution over few channels costs less time than the wide maps
of an inverted residual, in training and in int8; deeper, the inverted residual wins.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.models import blocks

STEM = 16
STAGES = ((4, 40, 2, 2, 3), (4, 64, 3, 2, 5))
"""(expansion, channels, repeats, stride, kernel) of the stages at strides 8 and 16."""
DECODER = 40


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    inputs, x = blocks.pixels(size, channels)
    x = blocks.conv(x, STEM, 3, "stem", stride=2)
    x = blocks.conv(x, 32, 3, "stage1_0", stride=2)
    quarter = blocks.conv(x, 32, 3, "stage1_1")
    eighth = blocks.stage(quarter, STAGES[0], "stage2")
    x = blocks.stage(eighth, STAGES[1], "stage3")
    x = blocks.conv(x, DECODER, 1, "neck")
    x = blocks.separable(x, DECODER, 5, "context")
    x = blocks.merge_up(x, eighth, DECODER, "decode8")
    x = blocks.merge_up(x, quarter, DECODER, "decode4")
    return keras.Model(inputs, blocks.logits(x, num_classes), name="nano")
