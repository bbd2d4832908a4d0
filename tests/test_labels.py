from pathlib import Path

import pytest

from edgeseg.errors import DataError
from edgeseg.labels import Labels, read_labels


def test_a_name_a_line(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("# comment\nroad\n\n car \nVoid\n")
    labels = read_labels(tmp_path / "labels.txt")
    assert labels.names == ("road", "car", "Void")
    assert labels.ignore == {2, 255}
    assert labels.num_classes == 2


def test_cvat_labelmap_gives_colours(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nsky:1,2,3::\npole:::\n")
    labels = read_labels(tmp_path / "labelmap.txt")
    assert labels.names == ("sky", "pole")
    assert labels.colors[0] == (1, 2, 3)
    assert tuple(labels.palette()[0]) == (1, 2, 3)


def test_an_ignored_id_in_the_middle_keeps_the_ids_of_the_others() -> None:
    labels = Labels.from_names(["a", "unlabelled", "b"])
    assert labels.num_classes == 3
    assert labels.counted == (0, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no class name"), ("a\na\n", "twice"), ("a:300,0,0::\n", "colour"), ("\n".join(map(str, range(256))), "255")],
)
def test_bad_label_files_are_named_with_their_cure(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labelmap.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=said) as error:
        read_labels(path)
    assert str(path) in str(error.value)


def test_json_round_trip() -> None:
    labels = Labels.from_names(["a", "void", "b"]).also_ignoring([7])
    assert Labels.from_json(labels.to_json()) == labels
