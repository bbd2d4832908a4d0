"""Keras on whichever backend is there; everything in `training` takes `keras` from here."""

from __future__ import annotations

import importlib.util
import os
import platform

from edgeseg.errors import MissingExtraError, UsageError
from edgeseg.quiet import native_stderr

BACKENDS = ("tensorflow", "jax", "torch")
"""In the order in which they are tried where KERAS_BACKEND names none."""

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if platform.machine() in ("x86_64", "AMD64"):
    # TensorFlow leaves oneDNN off on a CPU without VNNI, where a training step takes 1.6 to 1.9 times as long for it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if "KERAS_BACKEND" not in os.environ:
    _installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    os.environ["KERAS_BACKEND"] = _installed[0] if _installed else BACKENDS[0]

try:
    with native_stderr():
        import keras
        from keras import layers, ops
except ValueError as _error:
    raise UsageError(
        f"KERAS_BACKEND={os.environ['KERAS_BACKEND']} is no backend; known are {', '.join(BACKENDS)}"
    ) from _error
except ImportError as _error:
    raise MissingExtraError(f"Keras and {os.environ['KERAS_BACKEND']}", "train") from _error

__all__ = ["has_gpu", "keras", "layers", "ops"]


def has_gpu() -> bool:
    """Whether the backend sees a GPU. Keras' own question is an error under JAX where there is none."""
    name = keras.backend.backend()
    if name == "jax":
        import jax  # already there: it is the backend

        return bool(jax.default_backend() == "gpu")
    if name == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return bool(keras.distribution.list_devices("gpu"))
