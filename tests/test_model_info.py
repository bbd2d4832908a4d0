import json
import zipfile
from pathlib import Path

import pytest

from edgeseg.errors import ModelError
from edgeseg.labels import Labels
from edgeseg.model_info import MEMBER, ModelInfo, associated_labels, attach, read_info

INFO = ModelInfo("nano", Labels.from_names(["a", "void"]), (64, 96), 3, "labels", {"miou": 0.5})


def test_what_is_attached_is_read_back_and_the_front_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3 and so on")
    attach(path, INFO)
    assert read_info(path) == INFO
    assert path.read_bytes().startswith(b"\x1c\0\0\0TFL3 and so on")


def test_the_same_information_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
        attach(tmp_path / name, INFO)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_model_without_information_has_none(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"TFL3" * 20)
    assert read_info(tmp_path / "m.tflite") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(INFO.to_json() | {"version": 99}), "update edgeseg"),
        (json.dumps({"version": 1}), "incomplete"),
        ("{", "damaged"),
        ("[1]", "incomplete"),
        (json.dumps(INFO.to_json() | {"version": "x"}), "incomplete"),
        (json.dumps(INFO.to_json() | {"labels": {"names": ["a"], "colors": [], "ignore": []}}), "incomplete"),
    ],
)
def test_information_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with zipfile.ZipFile(tmp_path / "m.tflite", "w") as archive:
        archive.writestr(MEMBER, text)
    with pytest.raises(ModelError, match=said):
        read_info(tmp_path / "m.tflite")


def test_unknown_keys_are_warned_of_and_survived() -> None:
    with pytest.warns(UserWarning, match="flavour"):
        assert ModelInfo.from_json(INFO.to_json() | {"flavour": "x"}) == INFO


def with_text(path: Path, name: str, content: bytes) -> Path:
    path.write_bytes(b"\x1c\0\0\0TFL3")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("about.bin", b"x")
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["labels.txt", "labelmap.txt"])
def test_names_in_the_archive_of_a_model_made_elsewhere_are_read(tmp_path: Path, name: str) -> None:
    path = with_text(tmp_path / "m.tflite", name, "\ufeffRücken\r\nroad \r\nvoid\r\n\r\n".encode())
    for count in (3, None):
        labels = associated_labels(path, count)
        assert labels is not None
        assert labels.names == ("Rücken", "road", "void")
        assert labels.ignore == {2, 255}


def test_a_line_without_a_name_of_its_own_keeps_its_place(tmp_path: Path) -> None:
    labels = associated_labels(with_text(tmp_path / "m.tflite", "labels.txt", b"a\n\n???\n???\nb"), 5)
    assert labels is not None
    assert labels.names == ("a", "class1", "???", "class3", "b")


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("labels.txt", b"a\nb\n", 3),
        ("labels.txt", b"a\nb\n", 1),
        ("labels.txt", b"\n", None),
        ("labels.txt", b"\xff\xfe\n", 1),
        ("labels.txt", "".join(f"c{i}\n" for i in range(256)).encode(), None),
        ("labels.csv", b"a\nb\n", 2),
    ],
)
def test_names_that_do_not_fit_are_left_alone(tmp_path: Path, name: str, content: bytes, count: int | None) -> None:
    assert associated_labels(with_text(tmp_path / "m.tflite", name, content), count) is None


def test_a_model_without_an_archive_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"TFL3" * 20)
    assert associated_labels(tmp_path / "m.tflite", None) is None
    damaged = with_text(tmp_path / "d.tflite", "labels.txt", b"abc\nabd\n")
    damaged.write_bytes(damaged.read_bytes().replace(b"abc", b"abx", 1))  # its checksum no longer fits
    assert associated_labels(damaged, 2) is None
