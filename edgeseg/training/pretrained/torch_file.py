"""Tensors out of a PyTorch checkpoint of the kind written before PyTorch 1.6, without PyTorch.

Such a file is a row of pickles (a magic number, a version, facts of the machine, the
objects, the keys of the storages) and then the storages themselves, each its count of
values as int64 and the values, little-endian.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
HEADER = 8
"""Bytes of a storage's count."""


@dataclass(frozen=True)
class _Tensor:
    """Where its values are to be found."""

    key: str
    dtype: str
    offset: int
    """Values, from the start of its storage."""
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    """Values from one place to the next, per axis."""


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The named tensors of a state dict.

    Nothing of the file is executed: a pickle that asks for anything but tensors is refused.
    Raises ModelError for that, and for what is no such file.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, OSError, EOFError, LookupError, ValueError, AttributeError, TypeError) as error:
        what = "is no PyTorch checkpoint of the old kind"
        raise ModelError(f"{path}: {what} ({error}); install its package anew") from error


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _Reader(file).load() != MAGIC:
        raise ValueError("its first number differs")
    for _ in ("version", "machine"):
        _Reader(file).load()
    tensors: dict[str, _Tensor] = _Reader(file).load()
    data = {}
    dtypes = {tensor.key: tensor.dtype for tensor in tensors.values()}
    for key in _Reader(file).load():
        (count,) = np.frombuffer(file.read(HEADER), "<i8")
        dtype = np.dtype(dtypes[key])
        data[key] = np.frombuffer(file.read(int(count) * dtype.itemsize), dtype, int(count))
    return {name: _values(tensor, data[tensor.key]) for name, tensor in tensors.items()}


def _values(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    reach = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
    if (
        min((*tensor.shape, 1)) < 1
        or min((*tensor.stride, tensor.offset, 0)) < 0
        or tensor.offset + reach >= len(storage)
    ):
        raise ValueError("a tensor reaches out of its storage")
    steps = tuple(step * storage.itemsize for step in tensor.stride)
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps))


class _Reader(pickle.Unpickler):
    """Knows tensors and dicts of them, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", storage): dtype for storage, dtype in STORAGES.items()},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """(key, dtype) of a storage."""
        _, dtype, key, *_ = pid
        return key, dtype


def _tensor(storage: tuple[str, str], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(*storage, offset, tuple(shape), tuple(stride))
