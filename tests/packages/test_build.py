import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from edgeseg.errors import OutputError
from edgeseg.files import sha256_of
from edgeseg.packages import cache
from edgeseg.packages.build import build
from edgeseg.packages.target import Target
from edgeseg.version import __version__

ROOT = Path(__file__).parents[2]
PI = Target("aarch64", (3, 11))
PROGRAM = (
    "import sys, pathlib, signal\n"
    "from edgeseg.packages.build import build\n"
    "from edgeseg.packages.target import Target\n"
    "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"  # as edgeseg.cli has it
    "print(build(Target('aarch64', (3, 11)), place=pathlib.Path(sys.argv[1])).id)\n"
)


def start(place: Path, tree: Path = ROOT) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(place)]
    return subprocess.Popen(
        command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_an_archive_holds_edgeseg_and_what_it_needs(libraries: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    packages = build(PI, lines.append, ("mqtt",), tmp_path / "cache")
    assert len(lines) == 2
    assert packages.versions["edgeseg"] == __version__
    assert packages.versions["paho-mqtt"] == "2.99"
    assert (packages.python, packages.machine, len(packages.id)) == ("3.11", "aarch64", 16)
    with tarfile.open(packages.archive) as archive:
        sizes = {member.name: member.size for member in archive.getmembers()}
    assert {"edgeseg/__main__.py", "click.py", "numpy/__init__.py", "numpy-1.26.4.dist-info/METADATA"} <= set(sizes)
    assert not [name for name in sizes if name.startswith(("bin/", "converters/", "numpy/lib/tests")) or ".pyc" in name]
    assert packages.unpacked_size == sum(sizes.values())
    assert packages.size == packages.archive.stat().st_size


def test_a_second_build_needs_neither_wheels_nor_uv(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(PI, place=tmp_path / "cache")
    shutil.rmtree(libraries)
    shutil.rmtree(tmp_path / "uv")
    lines: list[str] = []
    assert build(PI, lines.append, place=tmp_path / "cache") == first
    assert lines == []


def test_the_same_wheels_give_the_same_bytes(libraries: Path, tmp_path: Path) -> None:
    first, second = (build(PI, place=tmp_path / name) for name in ("one", "two"))
    assert first.archive.read_bytes() == second.archive.read_bytes()
    assert first.id == second.id


def test_other_extras_and_targets_are_other_packages(libraries: Path, tmp_path: Path) -> None:
    made = [build(PI, place=tmp_path), build(PI, extras=("mqtt",), place=tmp_path)]
    made.append(build(Target("x86_64", (3, 13)), place=tmp_path))
    assert len({each.archive for each in made}) == 3


def test_a_tree_that_changed_is_packed_anew(libraries: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "edgeseg", tree / "edgeseg", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    ids = [start(tmp_path / "cache", tree).communicate(timeout=60)[0].strip()]
    with (tree / "edgeseg" / "labels.py").open("a") as file:
        file.write("# changed\n")
    ids.append(start(tmp_path / "cache", tree).communicate(timeout=60)[0].strip())
    assert len(set(ids)) == 2
    assert all(ids)


def test_two_builds_at_once_do_not_harm_each_other(libraries: Path, tmp_path: Path) -> None:
    place = tmp_path / "cache"
    both = [start(place), start(place)]
    told = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    assert told[0][0] == told[1][0]
    (entry,) = place.iterdir()
    kept = cache.load(entry)
    assert kept is not None
    assert kept.id == told[0][0].strip()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_that_is_taken_for_whole(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    place = tmp_path / "cache"
    with socket.create_server(("127.0.0.1", 0)) as index:  # which takes a call and never answers
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/simple")
        monkeypatch.delenv("UV_OFFLINE")
        process = start(place)
        index.settimeout(60)
        called, _ = index.accept()
        assert [path.name.startswith(cache.BEGUN) for path in place.iterdir()] == [True]
        os.kill(process.pid, how) if how == signal.SIGTERM else os.killpg(process.pid, how)
        process.communicate(timeout=60)
        called.close()
    left = list(place.iterdir())
    if how == signal.SIGTERM:
        assert left == []
    else:
        (abandoned,) = left
        yesterday = time.time() - 2 * cache.ABANDONED_S
        os.utime(abandoned, (yesterday, yesterday))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.delenv("PIP_INDEX_URL")
    kept = build(PI, place=place)
    assert [path.name for path in place.iterdir()] == [kept.archive.parent.name]


@pytest.mark.parametrize("file", [cache.ARCHIVE, cache.RECORD])
def test_a_damaged_entry_is_made_anew(libraries: Path, tmp_path: Path, file: str) -> None:
    first = build(PI, place=tmp_path / "cache")
    damaged = first.archive.parent / file
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert build(PI, place=tmp_path / "cache") == first
    assert sha256_of(first.archive) == first.sha256


def test_entries_that_were_not_used_for_long_go(tmp_path: Path) -> None:
    for number in range(cache.KEPT + 2):
        entry = tmp_path / str(number)
        entry.mkdir()
        os.utime(entry, (number, number))
    (tmp_path / f"{cache.BEGUN}now").mkdir()
    cache.prune(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{cache.BEGUN}now", *map(str, range(2, cache.KEPT + 2))}


def test_a_cache_that_cannot_be_made_is_said_in_one_line(libraries: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/cache: cannot be written .*; free some space or set XDG_CACHE_HOME"):
        build(PI, place=tmp_path / "file" / "cache")
