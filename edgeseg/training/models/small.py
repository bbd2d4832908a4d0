"""EfficientNet-Lite0 down to stride 16, its 112-channel stage, and a light decoder up to stride 4."""

from __future__ import annotations

from typing import Any

from edgeseg.training.models import lite0

STAGES, DECODER = 5, 64


def build(size: tuple[int, int], channels: int, num_classes: int) -> Any:
    """See `edgeseg.training.models.Network`."""
    return lite0.build("small", STAGES, DECODER, size, channels, num_classes)
