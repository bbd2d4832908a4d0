import json
import zipfile
from pathlib import Path

import pytest

from edgeseg.errors import ModelError
from edgeseg.labels import Labels
from edgeseg.model_info import MEMBER, ModelInfo, attach, read_info

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
