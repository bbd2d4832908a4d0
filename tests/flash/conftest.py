"""Small disk images, and loop devices to write them to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeseg.errors import UsageError
from edgeseg.flash.disks import Disk, find, list_disks
from edgeseg.flash.units import MIB

IMAGE_MIB = 13
MakeCard = Callable[..., Disk]


@pytest.fixture(scope="session")
def content() -> bytes:
    """A bootable disk of 13 MiB and 3 sectors: sectors that all differ, with zeros from 5 to 8 MiB."""
    sectors = np.frombuffer(np.random.default_rng(1).bytes(512) * (IMAGE_MIB * 2048 + 3), np.uint8).reshape(-1, 512)
    sectors = sectors.copy()
    sectors[:, :8] = np.arange(len(sectors), dtype=np.uint64)[:, None].view(np.uint8)
    sectors[5 * 2048 : 8 * 2048] = 0
    sectors[0, 510:] = 0x55, 0xAA
    return sectors.tobytes()


@pytest.fixture
def image(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "board.img"
    path.write_bytes(content)
    return path


def attach(backing: Path, attached: list[str], *options: str) -> Disk:
    """A loop device, whose name is in `attached` before anything can fail; skips where there are none."""
    command = ["losetup", *options, "--find", "--show", str(backing)]
    try:
        attached.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        return find(list_disks(), Path(attached[-1]))
    except (OSError, subprocess.CalledProcessError, UsageError) as error:
        pytest.skip(f"no loop devices here ({error})")


def detach(attached: list[str]) -> None:
    """The newest first, since one may stand on another."""
    for name in reversed(attached):
        subprocess.run(["losetup", "--detach", name], check=False)


def untouched(folder: Path) -> bool:
    """Whether the card that `make_card` made in `folder` is as it was."""
    data = (folder / "card.bin").read_bytes()
    return data == b"\xee" * len(data)


@pytest.fixture
def make_card(tmp_path: Path) -> Iterator[MakeCard]:
    """Gives loop devices of so many MiB, full of 0xEE, on `card.bin` in `tmp_path`; skips where there are none."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("writing to loop devices needs Linux and root")
    attached: list[str] = []

    def make(mib: float = 24, read_only: bool = False) -> Disk:
        backing = tmp_path / "card.bin"
        backing.write_bytes(b"\xee" * int(mib * MIB))
        return attach(backing, attached, *("--read-only",) * read_only)

    yield make
    detach(attached)


@pytest.fixture
def make_counterfeit(tmp_path: Path) -> Iterator[MakeCard]:
    """Gives counterfeit cards: so many MiB claimed, so many held, 'wraps' or 'vanishes' behind; skips without FUSE."""
    if sys.platform != "linux" or os.geteuid() or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("a counterfeit card needs Linux, root and /dev/fuse")
    folder = tmp_path / "counterfeit"
    folder.mkdir()
    servers: list[subprocess.Popen[bytes]] = []
    attached: list[str] = []

    def make(claimed: int, real: int, kind: str) -> Disk:
        command = [sys.executable, str(Path(__file__).parent / "counterfeit.py"), str(folder)]
        servers.append(subprocess.Popen([*command, str(claimed * MIB), str(real * MIB), kind]))
        deadline = time.monotonic() + 10
        while not (folder / "card").exists():
            if servers[-1].poll() is not None or time.monotonic() > deadline:
                pytest.skip("FUSE cannot be mounted here")
            time.sleep(0.02)
        return attach(folder / "card", attached)

    yield make
    detach(attached)
    subprocess.run(["umount", "--lazy", str(folder)], check=False)
    for server in servers:
        server.kill()
        server.wait()
