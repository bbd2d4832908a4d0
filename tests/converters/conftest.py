"""Float .tflite files to convert: small ones made here, and one that others made."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SELFIE = "@mediapipe/selfie_segmentation@0.1.1675465747"


@pytest.fixture(scope="session")
def selfie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MediaPipe's selfie_segmentation.tflite (Apache-2.0), from its npm package."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, to fetch MediaPipe's model")
    folder = tmp_path_factory.mktemp("selfie")
    command = ["npm", "pack", "--silent", SELFIE]
    fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if fetched.returncode:
        pytest.skip(f"npm could not fetch {SELFIE}: {fetched.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extract("package/selfie_segmentation.tflite", folder, filter="data")
    return folder / "package" / "selfie_segmentation.tflite"


@pytest.fixture(scope="session")
def to_tflite() -> Callable[..., bytes]:
    """A function that makes a float .tflite of a Keras graph: input shape (with batch) and a function."""
    import keras
    import tensorflow as tf

    def make(shape: tuple[int | None, ...], build: Callable[[Any], Any]) -> bytes:
        keras.utils.set_random_seed(1)
        inputs = keras.Input(batch_shape=shape)
        model = keras.Model(inputs, build(inputs))
        return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())

    return make


@pytest.fixture
def plain_net(to_tflite: Callable[..., bytes]) -> bytes:
    """Convolutions, a skip connection and a transposed convolution: 32x32x3 to 32x32x4 logits."""
    from keras import layers

    def build(x: Any) -> Any:
        first = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
        deep = layers.DepthwiseConv2D(3, padding="same")(first)
        joined = layers.Add()([first, layers.ReLU(6.0)(deep)])
        return layers.Conv2DTranspose(4, 3, strides=2, padding="same", bias_initializer="random_normal")(joined)

    return to_tflite((1, 32, 32, 3), build)


@pytest.fixture
def images() -> Callable[..., Iterator[dict[str, np.ndarray]]]:
    """A function that yields so many random inputs in [0, 1]."""

    def make(count: int, shape: tuple[int, ...] = (1, 32, 32, 3), seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
        rng = np.random.default_rng(seed)
        return ({"image": rng.random(shape, np.float32)} for _ in range(count))

    return make


@pytest.fixture(scope="session")
def run_tflite() -> Callable[..., np.ndarray]:
    """A function that runs a .tflite on one input, with XNNPACK or without; real numbers out."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def run(data: bytes, image: np.ndarray, xnnpack: bool = True) -> np.ndarray:
        resolver = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=resolver)
        details = interpreter.get_input_details()[0]
        if list(details["shape"]) != list(image.shape):
            interpreter.resize_tensor_input(details["index"], image.shape)
        interpreter.allocate_tensors()
        scale, zero = details["quantization"]
        if scale:
            limits = np.iinfo(details["dtype"])
            image = np.clip(np.round(image / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(details["index"], image.astype(details["dtype"]))
        interpreter.invoke()
        result = interpreter.get_output_details()[0]
        scale, zero = result["quantization"]
        output = interpreter.get_tensor(result["index"])
        return (output.astype(np.float32) - zero) * scale if scale else output

    return run
