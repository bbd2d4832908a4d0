from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.errors import OutputError
from edgeseg.sinks.append import Appended


def test_a_piece_that_does_not_fit_is_not_there_and_a_smaller_one_may_follow(
    tmp_path: Path, full_disk: Callable
) -> None:
    file = Appended(tmp_path / "a", "a")
    file.write(b"one")
    with full_disk(5):
        with pytest.raises(OutputError, match=r"a: cannot be written \(.*\); free some space"):
            file.write(b"three")
        file.write(b"2")
    file.close(durable=True)
    assert (tmp_path / "a").read_bytes() == b"one2"


def test_a_new_file_is_not_put_over_another(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(OutputError, match="does another program write there"):
        Appended(tmp_path / "a", "a", new=True)
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_a_disk_that_cannot_be_flushed_is_reported() -> None:
    file = Appended(Path("/dev/null"), "a")
    with pytest.raises(OutputError, match=r"a: cannot be written \(.*\); check the disk"):
        file.close(durable=True)


def test_it_may_be_closed_twice(tmp_path: Path) -> None:
    file = Appended(tmp_path / "a", "a")
    file.close()
    file.close(durable=True)
