"""The boards we know, as rows of data; none has been tried on hardware but where `tried` says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgeseg.errors import UsageError

Rate = tuple[float, float]
"""Low and high, in billions of multiply-accumulates a second (GMAC/s)."""

Way = Literal["flash", "ssh"]
"""How edgeseg gets onto a board: on a card that is written for it, or through a network."""

EDGETPU_RULE = 'ATTR{idVendor}=="1a6e|18d1",ATTR{idProduct}=="089a|9302",GROUP="plugdev"'
"""For udev: a Coral at a USB port, before and after it got its firmware."""
XNNPACK_TABLE = "XNNPACK's README of 2022 for MobileNet v1 (569 MMAC) and v2 (300)"


@dataclass(frozen=True)
class Board:
    """A machine that models run on."""

    name: str
    description: str
    arch: str
    """As `uname -m` says it; empty for what is plugged into another board."""
    cores: int | None
    """None where the row stands for many machines."""
    memory_mb: int | None
    """The least that the board is sold with."""
    basis: str
    """Where the rates come from, or why there are none."""
    int8: Rate | None = None
    """Attained by XNNPACK in convolutions of 8-bit integers, all cores."""
    float32: Rate | None = None
    """The same in 32-bit floats."""
    ways: tuple[Way, ...] = ()
    """How it is set up; none for what is plugged into another board."""
    needs: tuple[str, ...] = ()
    """What it wants beside edgeseg."""
    tried: bool = False
    """False: has not been tried on hardware."""


BOARDS: tuple[Board, ...] = (
    Board(
        name="rpi5",
        description="Raspberry Pi 5, 4x Cortex-A76 at 2.4 GHz",
        arch="aarch64",
        cores=4,
        memory_mb=1024,
        int8=(60, 75),
        float32=(20, 24),
        basis="int8: published measurements; float: 27 to 31 % of a peak of 77 GMAC/s, as on the Pi 4",
        ways=("flash", "ssh"),
    ),
    Board(
        name="rpi4",
        description="Raspberry Pi 4, 4x Cortex-A72 at 1.5 GHz",
        arch="aarch64",
        cores=4,
        memory_mb=1024,
        int8=(15, 20),
        float32=(6.5, 7.4),
        basis=f"int8: published measurements, and 24 and 17 ms in {XNNPACK_TABLE}; float: 77 and 46 ms there",
        ways=("flash", "ssh"),
    ),
    Board(
        name="rpi-zero2w",
        description="Raspberry Pi Zero 2 W, 4x Cortex-A53 at 1.0 GHz",
        arch="aarch64",
        cores=4,
        memory_mb=512,
        int8=(7, 9),
        float32=(2.7, 3.6),
        basis=f"by the clock from the Pi 3+, same cores at 1.4 GHz: 46 and 30 ms in {XNNPACK_TABLE}; float: 114 and 79",
        ways=("flash", "ssh"),
    ),
    Board(
        name="coral-usb",
        description="Coral USB Accelerator, at any of the boards above",
        arch="",
        cores=None,
        memory_mb=None,
        basis="not projected: what stays on the host's CPU decides; see  edgeseg check --target edgetpu",
        needs=("libedgetpu", "a udev rule", "group plugdev"),
    ),
    Board(
        name="coral-dev-board",
        description="Coral Dev Board, 4x Cortex-A53 at 1.5 GHz, Edge TPU",
        arch="aarch64",
        cores=4,
        memory_mb=1024,
        basis="not projected: what stays on the CPU decides; see  edgeseg check --target edgetpu",
        ways=("ssh",),
        needs=("the program of firmware_examples/coral_dev_board, since its Python 3.7 is too old for edgeseg deploy",),
    ),
    Board(
        name="aarch64",
        description="any other 64-bit ARM machine with Linux",
        arch="aarch64",
        cores=None,
        memory_mb=None,
        basis="not projected: machines differ too much; run  edgeseg bench  on it",
        ways=("ssh",),
    ),
    Board(
        name="x86-64",
        description="any PC with Linux",
        arch="x86_64",
        cores=None,
        memory_mb=None,
        basis="not projected: machines differ too much; run  edgeseg bench  on it",
        ways=("ssh",),
    ),
)


def board(name: str) -> Board:
    """Look a board up; raises UsageError that lists the known ones."""
    for known in BOARDS:
        if known.name == name:
            return known
    raise UsageError(f"no board is called '{name}'; known boards are {', '.join(known.name for known in BOARDS)}")
