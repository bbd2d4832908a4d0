"""Between `nano` and `small`: EfficientNet-Lite0 down to stride 16, its 80-channel stage, and a thin decoder.

Its stages are the first of `small`, so that each can begin from the other's weights.
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.models import lite0

STAGES, DECODER = 4, 48


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    return lite0.build("nano-lite0", STAGES, DECODER, size, channels, num_classes)
