"""The port of EfficientNet-Lite0 against the checkpoint, computed once more in NumPy as the original does."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeseg.errors import MissingExtraError, ModelError
from edgeseg.training.backend import keras
from edgeseg.training.models import build, lite0
from edgeseg.training.pretrained import IMAGENET_PACKAGE
from edgeseg.training.pretrained.lite0 import FILE, load_into
from edgeseg.training.pretrained.torch_file import read_tensors

Tensors = dict[str, np.ndarray]
EPSILON = 1e-3
BIRDS = (range(7, 25), range(80, 101), range(127, 147))
"""Of ImageNet's classes: cock to owl, grouse to swan, stork to albatross."""


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    package = pytest.importorskip(IMAGENET_PACKAGE, reason="needs  pip install 'edgeseg[imagenet]'")
    return read_tensors(Path(package.__file__).parent / FILE)


@pytest.fixture(scope="module")
def medium(tensors: Tensors) -> Any:
    network = build("medium", (64, 96), 3, 5)
    load_into(network)
    return network


def convolve(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """(h, w, in) by a PyTorch kernel (out, in or 1, k, k), padded as TensorFlow's 'same'."""
    out, depth, size, _ = kernel.shape
    pads = [max((math.ceil(n / stride) - 1) * stride + size - n, 0) for n in x.shape[:2]]
    x = np.pad(x, [(pad // 2, pad - pad // 2) for pad in pads] + [(0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (0, 1))[::stride, ::stride]
    if depth == 1 and out == x.shape[2]:
        return np.einsum("hwcij,cij->hwc", windows, kernel[:, 0])
    return np.einsum("hwcij,ocij->hwo", windows, kernel, optimize=True)


def normalized(x: np.ndarray, tensors: Tensors, name: str) -> np.ndarray:
    scale, shift, mean, variance = (
        tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + EPSILON) * scale + shift


def original(x: np.ndarray, tensors: Tensors) -> Iterator[np.ndarray]:
    """What each stage of the original gives for scaled pixels."""
    x = np.clip(normalized(convolve(x, tensors["_conv_stem.weight"], 2), tensors, "_bn0"), 0, 6)
    block = 0
    for expansion, _, repeats, stride, _ in lite0.STAGES:
        for repeat in range(repeats):
            name, entry = f"_blocks.{block}", x
            if expansion > 1:
                x = np.clip(
                    normalized(convolve(x, tensors[f"{name}._expand_conv.weight"], 1), tensors, f"{name}._bn0"), 0, 6
                )
            x = convolve(x, tensors[f"{name}._depthwise_conv.weight"], stride if repeat == 0 else 1)
            x = np.clip(normalized(x, tensors, f"{name}._bn1"), 0, 6)
            x = normalized(convolve(x, tensors[f"{name}._project_conv.weight"], 1), tensors, f"{name}._bn2")
            x = x + entry if repeat else x
            block += 1
        yield x


def test_every_stage_gives_what_the_original_gives(medium: Any, tensors: Tensors) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.float32)
    ends = [
        f"stage{n}_{shape[2] - 1}_{'add' if shape[2] > 1 else 'project_norm'}"
        for n, shape in enumerate(lite0.STAGES, 1)
    ]
    ours = keras.Model(medium.input, [medium.get_layer(name).output for name in ends])(pixels[None], training=False)
    for found, wanted in zip(ours, original(pixels / 127.5 - 1, tensors), strict=True):
        assert np.asarray(found)[0] == pytest.approx(wanted, abs=1e-3)


def test_what_it_knows_is_a_bird(medium: Any, tensors: Tensors, shared: Path) -> None:
    picture = cv2.cvtColor(cv2.imread(str(shared / "models" / "bird_segmentation.bmp")), cv2.COLOR_BGR2RGB)
    network = build("medium", (224, 224), 3, 5)
    network.set_weights(medium.get_weights())
    encoder = keras.Model(network.input, network.get_layer("stage7_0_project_norm").output)
    x = np.asarray(encoder(cv2.resize(picture, (224, 224))[None].astype(np.float32), training=False))[0]
    x = np.clip(normalized(convolve(x, tensors["_conv_head.weight"], 1), tensors, "_bn1"), 0, 6).mean((0, 1))
    scores = tensors["_fc.weight"] @ x + tensors["_fc.bias"]
    assert any(int(scores.argmax()) in birds for birds in BIRDS)


def test_a_network_without_that_encoder_or_in_grey_is_refused(tensors: Tensors) -> None:
    for other in ("nano", "fcn"):
        with pytest.raises(ModelError, match="take --model nano-lite0, small or medium"):
            load_into(build(other, (64, 96), 3, 5))
    with pytest.raises(ModelError, match="leave out --grey"):
        load_into(build("small", (64, 96), 1, 5))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, IMAGENET_PACKAGE, raising=False)
    network = build("small", (64, 96), 3, 5)
    with pytest.raises(MissingExtraError, match=r"edgeseg\[imagenet\]"):
        load_into(network)
