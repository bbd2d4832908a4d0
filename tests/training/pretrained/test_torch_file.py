import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from edgeseg.errors import ModelError
from edgeseg.training.pretrained.torch_file import MAGIC, read_tensors


class Storage:
    """What PyTorch pickles as a persistent id: ('storage', type, key, place, count)."""

    def __init__(self, kind: str, key: str, count: int) -> None:
        self.kind, self.key, self.count = kind, key, count


class Named:
    """A global of a module that is not installed."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Tensor:
    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.parts = (storage, offset, shape, stride, False, OrderedDict())


class Writer(pickle._Pickler):  # the one in Python can be taught to write globals of what is not there
    def persistent_id(self, obj: object) -> object:
        if isinstance(obj, Storage):
            return ("storage", Named("torch", obj.kind), obj.key, "cpu", obj.count)
        return None

    def save(self, obj: object, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Tensor):
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save(obj.parts)
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def checkpoint(path: Path, state: object, storages: dict[str, np.ndarray], magic: int = MAGIC) -> Path:
    out = io.BytesIO()
    for part in (magic, 1001, {"little_endian": True}, state, list(storages)):
        Writer(out, 2).dump(part)
    for values in storages.values():
        out.write(struct.pack("<q", len(values)) + values.tobytes())
    path.write_bytes(out.getvalue())
    return path


def test_tensors_come_in_their_shapes_also_where_they_share_a_storage(tmp_path: Path) -> None:
    values = np.arange(12, dtype="<f4")
    storage = Storage("FloatStorage", "7", 12)
    count = Storage("LongStorage", "8", 1)
    state = OrderedDict(
        whole=Tensor(storage, 0, (3, 4), (4, 1)),
        turned=Tensor(storage, 0, (4, 3), (1, 4)),
        part=Tensor(storage, 5, (2,), (1,)),
        steps=Tensor(count, 0, (), ()),
    )
    found = read_tensors(checkpoint(tmp_path / "a.pth", state, {"7": values, "8": np.array([250], "<i8")}))
    assert np.array_equal(found["whole"], values.reshape(3, 4))
    assert np.array_equal(found["turned"], values.reshape(3, 4).T)
    assert found["part"].tolist() == [5, 6]
    assert found["steps"] == 250


def test_nothing_of_the_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "made"),))

    with pytest.raises(ModelError, match=r"asks for posix\.mkdir"):
        read_tensors(checkpoint(tmp_path / "a.pth", OrderedDict(evil=Evil()), {}))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("shape", [(13,), (0,)])
def test_a_tensor_out_of_its_storage_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    state = OrderedDict(a=Tensor(Storage("FloatStorage", "7", 12), 0, shape, (1,)))
    with pytest.raises(ModelError, match="out of its storage"):
        read_tensors(checkpoint(tmp_path / "a.pth", state, {"7": np.zeros(12, "<f4")}))


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path / "a.pth", OrderedDict(), {})
    other = checkpoint(tmp_path / "b.pth", OrderedDict(), {}, magic=7)
    (tmp_path / "short.pth").write_bytes(whole.read_bytes()[:20])
    (tmp_path / "text.pth").write_text("weights")
    for path in (other, tmp_path / "short.pth", tmp_path / "text.pth"):
        with pytest.raises(ModelError, match="install its package anew"):
            read_tensors(path)
