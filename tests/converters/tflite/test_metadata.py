import dataclasses
import io
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from converters.tflite.metadata import class_names, write_metadata
from converters.tflite.operators import operators
from edgeseg.errors import ModelError
from edgeseg.labels import Labels
from edgeseg.model_info import MEMBER, ModelInfo, attach, read_info
from edgeseg.scene.parts import CLASSES

MODELS = [("int8", "logits"), ("float32", "logits"), ("int8", "labels")]
AXIS_LABELS, VALUE_LABELS = 2, 3
RGB = 1


def bare(path: Path) -> bytes:
    """The model without the archive at its end."""
    with zipfile.ZipFile(path) as archive:
        return path.read_bytes()[: min(member.header_offset for member in archive.infolist())]


@pytest.fixture
def described(models: Callable[[str, str], Path]) -> Callable[[str, str], tuple[bytes, bytes, ModelInfo]]:
    """A function from (scheme, output) to a model without metadata, with metadata, and its information."""

    def make(scheme: str, output: str) -> tuple[bytes, bytes, ModelInfo]:
        path = models(scheme, output)
        info = read_info(path)
        assert info is not None
        data = bare(path)
        return data, write_metadata(data, info), info

    return make


class Table:
    """A FlatBuffers table, read by the format's description alone: no schema, no library."""

    def __init__(self, data: bytes, position: int | None = None) -> None:
        self.data = data
        self.position = self._follow(0) if position is None else position

    def byte(self, slot: int) -> int:
        return self.data[self._at(slot)]

    def text(self, slot: int) -> str:
        return bytes(self._vector(slot, "B")).decode()

    def content(self, slot: int) -> bytes:
        return bytes(self._vector(slot, "B"))

    def floats(self, slot: int) -> tuple[float, ...]:
        return tuple(self._vector(slot, "f"))

    def table(self, slot: int) -> "Table":
        return Table(self.data, self._follow(self._at(slot)))

    def tables(self, slot: int) -> list["Table"]:
        start = self._follow(self._at(slot)) + 4
        count = len(self._vector(slot, "I"))
        return [Table(self.data, self._follow(start + 4 * i)) for i in range(count)]

    def has(self, slot: int) -> bool:
        return self._offset(slot) > 0

    def _vector(self, slot: int, kind: str) -> tuple:
        start = self._follow(self._at(slot))
        (count,) = struct.unpack_from("<I", self.data, start)
        return struct.unpack_from(f"<{count}{kind}", self.data, start + 4)

    def _at(self, slot: int) -> int:
        assert self.has(slot), f"slot {slot} is empty"
        return self.position + self._offset(slot)

    def _offset(self, slot: int) -> int:
        vtable = self.position - struct.unpack_from("<i", self.data, self.position)[0]
        (length,) = struct.unpack_from("<H", self.data, vtable)
        return struct.unpack_from("<H", self.data, vtable + 4 + 2 * slot)[0] if 4 + 2 * slot < length else 0

    def _follow(self, position: int) -> int:
        return position + struct.unpack_from("<I", self.data, position)[0]


def metadata_of(data: bytes) -> bytes:
    model = schema.Model.GetRootAs(data)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    (entry,) = [entry for entry in entries if entry.Name() == b"TFLITE_METADATA"]
    return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()


def answers(data: bytes) -> Iterator[np.ndarray]:
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    (there,), (here,) = interpreter.get_input_details(), interpreter.get_output_details()
    rng = np.random.default_rng(0)
    for _ in range(3):
        interpreter.set_tensor(there["index"], rng.integers(0, 256, there["shape"]).astype(there["dtype"]))
        interpreter.invoke()
        yield interpreter.get_tensor(here["index"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_the_operators_and_every_answer_stay(described, kind: tuple[str, str]) -> None:
    before, after, _ = described(*kind)
    assert operators(after) == operators(before)
    assert all(np.array_equal(one, other) for one, other in zip(answers(before), answers(after), strict=True))
    ends = [Interpreter(model_content=data) for data in (before, after)]
    assert len({str(end.get_input_details()) + str(end.get_output_details()) for end in ends}) == 1


def test_constants_start_where_the_schema_asks_and_little_is_added(described) -> None:
    before, after, _ = described("int8", "logits")
    model = schema.Model.GetRootAs(after)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) > 10
    assert all(start % 16 == 0 for start in starts)
    assert len(after) < len(before) + 4000


def test_logits_are_described_as_scores_of_named_classes(described) -> None:
    _, after, info = described("int8", "logits")
    metadata = metadata_of(after)
    assert metadata[4:8] == b"M001"
    root = Table(metadata)
    assert root.text(0) == "edgeseg nano"
    assert f"{len(CLASSES)} classes" in root.text(1)
    assert not root.has(4)  # nobody named an author
    assert not root.has(5)
    assert root.text(7) == "1.5.0"
    (graph,) = root.tables(3)
    (image,) = graph.tables(2)
    assert image.table(3).table(1).byte(0) == RGB
    assert image.table(5).floats(0) == (255.0,)
    (normalization,) = image.tables(4)
    assert (normalization.table(1).floats(0), normalization.table(1).floats(1)) == ((0.0,), (1.0,))
    (scores,) = graph.tables(3)
    (labels,) = scores.tables(6)
    assert (labels.text(0), labels.byte(2)) == ("labels.txt", AXIS_LABELS)
    (custom,) = graph.tables(9)
    assert custom.text(0) == "SEGMENTER_METADATA"
    assert custom.content(1)[4:8] == b"V001"
    assert Table(custom.content(1)).byte(0) == 2  # softmax
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(info.labels.names)


def test_a_class_map_is_described_as_values_with_names(described) -> None:
    _, after, _ = described("int8", "labels")
    (graph,) = Table(metadata_of(after)).tables(3)
    (ids,) = graph.tables(3)
    assert ids.tables(6)[0].byte(2) == VALUE_LABELS
    assert ids.table(5).floats(0) == (len(CLASSES) - 1,)
    assert not graph.has(9)  # nothing for MediaPipe's segmenter, which cannot use it


def test_the_licence_of_its_data_is_told(described) -> None:
    before, after, info = described("int8", "logits")
    assert not Table(metadata_of(after)).has(5)
    bound = dataclasses.replace(info, provenance={"licence": "for research"})
    assert Table(metadata_of(write_metadata(before, bound))).text(5) == "for research"


@pytest.mark.parametrize(
    ("scheme", "given", "mean", "std", "bounds"),
    [
        ("float32", (0.0, 255.0), 0.0, 1.0, (0.0, 255.0)),
        ("float32", (0.0, 1.0), 0.0, 255.0, (0.0, 1.0)),
        ("float32", (-1.0, 1.0), 127.5, 127.5, (-1.0, 1.0)),
        ("int8", (-1.0, 1.0), 0.0, 1.0, (0.0, 255.0)),
    ],
)
def test_pixels_are_brought_to_what_the_input_expects(described, scheme, given, mean, std, bounds) -> None:
    before, _, info = described(scheme, "logits")
    data = write_metadata(before, dataclasses.replace(info, input_range=given))
    (graph,) = Table(metadata_of(data)).tables(3)
    (image,) = graph.tables(2)
    options = image.tables(4)[0].table(1)
    assert (options.floats(0), options.floats(1)) == ((mean,), (std,))
    assert (image.table(5).floats(1) + image.table(5).floats(0)) == bounds


def test_one_archive_holds_the_names_and_our_information(described, tmp_path: Path) -> None:
    _, after, info = described("int8", "logits")
    path = tmp_path / "m.tflite"
    path.write_bytes(after)
    attach(path, info)
    assert read_info(path) == info
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt", MEMBER]
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def test_writing_again_replaces_and_gives_the_same_description(described) -> None:
    _, once, info = described("int8", "logits")
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        graph = once[: archive.infolist()[0].header_offset]
    again = write_metadata(graph, ModelInfo("other", info.labels, info.size, info.channels, info.output))
    assert Table(metadata_of(again)).text(0) == "edgeseg other"
    assert len(again) < len(once) + 64


def test_the_same_model_gives_the_same_bytes(described, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after, info = described("int8", "logits")
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert write_metadata(before, info) == after


def test_what_cannot_be_described_is_refused(described) -> None:
    before, after, info = described("int8", "logits")
    with pytest.raises(ModelError, match="archive"):
        write_metadata(after, info)
    with pytest.raises(ModelError, match="not a TFLite model"):
        write_metadata(b"\0" * 100, info)
    with pytest.raises(ModelError, match="damaged"):
        write_metadata(before[: len(before) // 2], info)


@pytest.mark.parametrize(
    ("labels", "channels", "names"),
    [
        (Labels.from_names(["sky", "road", "void"]), 2, ["sky", "road"]),
        (Labels.from_names(["void", "sky", "road"]), 3, ["void", "sky", "road"]),
        (Labels.from_names(["sky", "road"]).also_ignoring([1]), 2, ["sky", "road"]),
        (Labels.from_names(["background", "person"]), 1, ["person"]),
        (Labels.from_names(["sky"]), 3, ["sky", "class1", "class2"]),
        (Labels.from_names(["blue\nsky", " ", "#road"]), 3, ["blue sky", "class1", "#road"]),
    ],
)
def test_each_channel_has_one_line_whatever_counts(labels: Labels, channels: int, names: list[str]) -> None:
    assert class_names(ModelInfo("nano", labels, (64, 96), 3, "logits"), channels) == names
