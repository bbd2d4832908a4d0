"""What is old goes, and what anything still runs on stays."""

import os
import time
from pathlib import Path

import pytest

from tests.board.machine import OTHER_PACKAGES, PACKAGES, Board

Releases = dict[str, str]


def age(path: Path) -> None:
    """Two days old."""
    past = time.time() - 2 * 24 * 3600
    os.utime(path, (past, past))


@pytest.mark.slow
def test_old_releases_go_and_three_stay(board: Board, releases: Releases, old: str) -> None:
    stale, coming = "2" * 16, "3" * 16
    for name in (stale, coming):
        (board.layout.packages / name).mkdir()
    for name in (stale, OTHER_PACKAGES):
        age(board.layout.packages / name)
    new = releases["new"]
    board.switch(new)
    told = board.told("prune")
    assert set(told["kept"]) == {path.name for path in board.layout.releases.glob("*")}
    assert {new, old} < set(told["kept"])
    assert len(told["kept"]) == 3
    assert len(told["removed"]) == 1
    assert stale in told["packages"]
    assert {path.name for path in board.layout.packages.glob("*")} == {PACKAGES, coming}
    cached = [path.name for path in board.layout.cache.glob("*")]
    assert len(cached) == 2
    assert board.running() == new
    assert board.told("prune")["removed"] == []


def test_what_a_release_that_cannot_be_read_runs_on_stays(board: Board, releases: Releases, old: str) -> None:
    board.switch(releases["new"])
    record, link = (board.layout.releases / old / name for name in ("release.json", "packages"))
    record.write_text("{}")
    link.unlink()
    link.symlink_to(f"../../packages/{OTHER_PACKAGES}")
    age(board.layout.packages / OTHER_PACKAGES)
    assert old in board.told("prune")["kept"]
    assert (board.layout.packages / OTHER_PACKAGES).is_dir()
