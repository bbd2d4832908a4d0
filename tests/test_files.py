from pathlib import Path

import pytest

from edgeseg.errors import OutputError
from edgeseg.files import replacing, write_bytes


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    write_bytes(tmp_path / "sub" / "a.bin", b"x")
    (tmp_path / "plain").touch()
    assert (tmp_path / "sub" / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path / "taken", b"x")


def test_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another place"):
        write_bytes(tmp_path / "file" / "a.bin", b"x")
