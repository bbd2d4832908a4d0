"""A card of the belt, and boards in an emulator that start from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.bundle.pack import Order, pack
from edgeseg.metrics import pixel_agreement
from edgeseg.scene.belt import Belt
from edgeseg.segmenter import Segmenter
from tests.conftest import ROOT
from tests.emulator.cache import cached_image
from tests.emulator.machine import NEEDS, Guest, User
from tests.emulator.readme import commands as readme

SIZE = (120, 160)
TOKEN = "seen-by-tests-only"
WIFI_PASSWORD = "for-nobodys-network"
SAME = 0.97
"""Of the pixels, at least, where a board and this machine segment the same frame: their kernels round differently.

The belt's next frame agrees in 0.92 of them, that of another seed in 0.85.
"""
Bundles = Callable[..., Path]
NewBoard = Callable[[], Guest]


@dataclass(frozen=True)
class Workplace:
    """What a user has: keys to log in with and to sign with, and a token."""

    folder: Path

    @property
    def user(self) -> User:
        return User("pi", self.folder / "login")  # as edgeseg calls who is given no name

    @property
    def home(self) -> Path:
        """Where `ssh` keeps what it knows."""
        return self.folder / "home"

    @property
    def token(self) -> Path:
        return self.folder / "token"

    @property
    def key(self) -> Path:
        """The public one, of what signs the bundles."""
        return self.folder / "ours.pub.pem"


@pytest.fixture(scope="session")
def image() -> Path:
    """A Raspberry Pi OS's shape; skips where it cannot be had."""
    missing = sorted({package for program, package in NEEDS.items() if not shutil.which(program)})
    if missing:
        pytest.skip(f"the emulator needs more: apt install {' '.join(missing)}")
    pytest.importorskip("fatfs", reason="needs  pip install 'edgeseg[flash]'")
    pytest.importorskip("asyncssh", reason="needs  pip install 'edgeseg[deploy]'")
    try:
        return cached_image()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    from edgeseg.bundle.sign import make_keys

    place = Workplace(tmp_path_factory.mktemp("workplace"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place.user.key)], check=True)
    place.token.write_text(f"{TOKEN}\n")
    make_keys(place.folder / "ours")
    make_keys(place.folder / "theirs")
    return place


@pytest.fixture(scope="session")
def bundles(models: Callable[[str, str], Path], workplace: Workplace) -> Bundles:
    """Makes a bundle by its name, the source that it takes and who signs it, with so many golden frames of noise."""
    pictures = workplace.folder / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "0.jpg"), Belt(1, SIZE).frame(40)[0])

    def make(name: str, source: str, signer: str | None = "ours", noise: int = 0) -> Path:
        out = workplace.folder / f"{name}.edgeseg"
        key = workplace.folder / f"{signer}.pem" if signer else None
        golden = _noise(workplace.folder / "noise", noise) if noise else pictures
        pack(Order(models("int8", "labels"), golden, out, noise or 1, live=("--source", source), key=key))
        return out

    return make


def _noise(folder: Path, count: int) -> Path:
    """Pictures that nothing makes smaller, of 3.7 MB each."""
    folder.mkdir()
    for index in range(count):
        picture = np.random.default_rng(index).integers(0, 256, (960, 1280, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def belt(seed: int) -> str:
    """A source of a frame a second, which an emulator can follow."""
    return f"belt:?seed={seed}&size={SIZE[0]}x{SIZE[1]}&fps=1"


@pytest.fixture(scope="session")
def first_bundle(bundles: Bundles) -> Path:
    """What the cards bring."""
    return bundles("first", belt(7))


@dataclass(frozen=True)
class Told:
    """How a command ended."""

    code: int
    out: str
    problems: str


@pytest.fixture(scope="session")
def start(workplace: Workplace) -> Callable[..., subprocess.Popen[str]]:
    """Start edgeseg as a user does, who knows no other boards but has a cache."""
    home = workplace.home
    home.mkdir()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": cache, "EDGESEG_WIFI_PASSWORD": WIFI_PASSWORD}

    def begin(*words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "edgeseg", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    return begin


@pytest.fixture(scope="session")
def command(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Told]:
    """The same, up to its end."""

    def run(*words: object) -> Told:
        process = start(*words)
        out, problems = process.communicate(timeout=900)
        assert "Traceback" not in problems, problems
        return Told(process.returncode, out, problems)

    return run


@pytest.fixture(scope="session")
def card(image: Path, first_bundle: Path, workplace: Workplace, command: Callable[..., Told]) -> Path:
    """Written by the README's own line; to be copied."""
    path = workplace.folder / "card.img"
    places = {"raspios.img.xz": image, "street.edgeseg": first_bundle, "/dev/sdb": path}
    places["~/.ssh/id_ed25519.pub"] = workplace.user.key.with_suffix(".pub")
    (line,) = [words for words in readme("edgeseg flash raspios.img.xz", places) if "--bundle" in words]
    told = command(*line, "--key", workplace.key, "--token-file", workplace.token)
    assert told.code == 0, told.problems
    assert "read back and the same" in told.out
    return path


@pytest.fixture(scope="session")
def new_board(card: Path, workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewBoard]:
    """Makes boards, each with a card of its own, without power."""
    made: list[Guest] = []

    def make() -> Guest:
        folder = tmp_path_factory.mktemp("board")
        own = folder / "card.img"
        subprocess.run(["cp", "--sparse=always", str(card), str(own)], check=True)
        made.append(Guest(own, folder, workplace.user, TOKEN))
        return made[-1]

    yield make
    for guest in made:
        guest.pull_plug()
        guest.card.unlink()


@pytest.fixture(scope="session")
def board(new_board: NewBoard) -> Guest:
    """The one board of most tests: a boot costs a minute or two."""
    return new_board()


@pytest.fixture
def running(board: Guest) -> Guest:
    """The same, with its page, and with its first boot behind it."""
    if not board.powered:
        board.power_on()
        board.wait_for_page()
        board.run("until test -e /opt/edgeseg/first-boot-done; do sleep 1; done")
    board.wait_for_page()
    return board


@pytest.fixture(scope="session")
def agreement(models: Callable[[str, str], Path]) -> Callable[[Guest, int], float]:
    """How far a board's newest mask is what this machine makes of the same frame of the belt with a seed, 0 to 1."""
    segment = Segmenter(models("int8", "labels"))

    def compare(guest: Guest, seed: int) -> float:
        data, headers = guest.page("/mask.png")
        mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        frame = Belt(seed, SIZE).frame(int(headers["X-Frame-Index"]))[0]
        return pixel_agreement(np.asarray(mask, np.uint8), segment(frame))

    return compare
