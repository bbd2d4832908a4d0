"""A board below a folder: real bundles, real processes, and a stand-in for systemd."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.board.bundles import bundle_maker
from tests.board.machine import GOOD, Board, free_port, make_system

ENDS = ("--source", "nowhere.mp4")
STALLS = ("--source", "fake:?play=belt:%3Fsize=64x96&stall=1+900")
"""Ready at once, and from the first second on no frame comes."""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """With packages, three of the four groups, and a page on loopback."""
    board = Board(tmp_path / "board", free_port())
    make_system(board)
    yield board
    board.lose_power()


@pytest.fixture(scope="session")
def installed(bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The releases of a board to which some bundles came, and their names."""
    board = Board(tmp_path_factory.mktemp("installed"), 0)
    make_system(board)
    options = {"old": GOOD, "new": GOOD, "ends": ENDS, "stalls": STALLS}
    return board.layout.releases, {name: board.install(bundle(name, live)) for name, live in options.items()}


@pytest.fixture
def releases(board: Board, installed: tuple[Path, dict[str, str]]) -> dict[str, str]:
    """The board has these, and none runs."""
    shutil.copytree(installed[0], board.layout.releases, symlinks=True)
    return installed[1]


@pytest.fixture
def old(board: Board, releases: dict[str, str]) -> str:
    """The one that runs."""
    assert board.switch(releases["old"])["state"] == "switched"
    return releases["old"]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a bundle of the smallest model with these options; each name gives another release."""
    return bundle_maker(tmp_path_factory)


@pytest.fixture
def no_traces(board: Board) -> Callable[[], None]:
    """Check that nothing half is left."""

    def check() -> None:
        for folder in (board.layout.releases, board.layout.uploads):
            assert list(folder.glob("*")) == []

    return check
