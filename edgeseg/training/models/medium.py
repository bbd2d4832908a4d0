"""The whole of EfficientNet-Lite0, and a decoder up to stride 4: what a large board bears, and a teacher of the others.

Its first five stages are those of `small`, so that each can begin from the other's weights.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.models import lite0

STAGES, DECODER = 7, 96


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    return lite0.build("medium", STAGES, DECODER, size, channels, num_classes)
