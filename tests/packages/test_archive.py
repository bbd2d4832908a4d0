import os
import tarfile
from pathlib import Path

import pytest

from edgeseg.packages.archive import TIME, gather, identify, is_needed, write


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    names = ["b/one.py", "a.py", "b/two.so"]
    first, second = tree(tmp_path / "1", *names), tree(tmp_path / "2", *reversed(names))
    os.utime(second / "a.py", (1, 1))
    (second / "a.py").chmod(0o600)
    for folder in (first, second):
        write(folder.with_suffix(".tar.gz"), gather(folder, {"own.py": b"own"}))
    assert first.with_suffix(".tar.gz").read_bytes() == second.with_suffix(".tar.gz").read_bytes()


@pytest.mark.parametrize("change", ["bytes", "mode", "name"])
def test_the_id_stands_for_names_modes_and_bytes(tmp_path: Path, change: str) -> None:
    folder = tree(tmp_path, "a.py", "b.py")
    before = identify(gather(folder, {}))
    if change == "bytes":
        (folder / "a.py").write_text("A.py")
    elif change == "mode":
        (folder / "a.py").chmod(0o755)
    else:
        (folder / "a.py").rename(folder / "c.py")
    after = identify(gather(folder, {}))
    assert after != before
    assert len(after) == 16


def test_members_are_plain_files_of_root(tmp_path: Path) -> None:
    folder = tree(tmp_path / "libraries", "a/b.py", "a/run")
    (folder / "a" / "run").chmod(0o700)
    write(tmp_path / "x.tar.gz", gather(folder, {"edgeseg/c.py": b"c"}))
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        members = archive.getmembers()
    assert {member.name: member.mode for member in members} == {"a/b.py": 0o644, "a/run": 0o755, "edgeseg/c.py": 0o644}
    assert all(member.isfile() and (member.uid, member.gid, member.mtime) == (0, 0, TIME) for member in members)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("numpy/lib/tests/test_io.py", False),
        ("numpy/testing/overrides.py", True),
        ("other/tests/data.py", True),
        ("bin/f2py", False),
        (".lock", False),
        ("click/__pycache__/core.cpython-311.pyc", False),
        ("click/core.pyi", False),
        ("click-8.3.dist-info/RECORD", False),
        ("click-8.3.dist-info/METADATA", True),
        ("click-8.3.dist-info/licenses/LICENSE.txt", True),
    ],
)
def test_what_a_board_has_no_use_for_stays(name: str, needed: bool) -> None:
    assert is_needed(name) == needed
