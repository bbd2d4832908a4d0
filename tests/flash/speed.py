"""How fast cards are written, beside `dd`, as a program: python -m tests.flash.speed [MIB] [ROUNDS] [FOLDER]

Takes turns with `dd` in writing an image to a loop device on a file in FOLDER: as it is, as
fast as that goes, and as .xz to a device held to the speed of a card. What is timed is all from the
image's first byte to when its last one is stored. Needs Linux and root.
"""

from __future__ import annotations

import lzma
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np

from edgeseg.flash.chunks import CHUNK
from edgeseg.flash.disks import Disk
from edgeseg.flash.image import open_image
from edgeseg.flash.units import MIB
from edgeseg.flash.write import write_card
from tests.flash.conftest import attach, detach

CARD_BYTES_PER_S = 60_000_000
"""A fast card's, and less than .xz unpacks to on any machine of late."""
LIMITS = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")


def make(path: Path, mib: int) -> None:
    """An image that packs to about half, as those of systems do: noise, and words of a few kinds."""
    rng = np.random.default_rng(1)
    words = rng.integers(0, 1 << 63, 4000, dtype=np.uint64)
    with path.open("wb") as file:
        for _ in range(mib // 2):
            file.write(rng.bytes(MIB) + rng.choice(words, MIB // 8).tobytes())
        file.seek(510)
        file.write(b"\x55\xaa")


def write(image: Path, card: Disk) -> float:
    """Seconds, without those for the search for counterfeits and the reading back, which `dd` has not."""
    start = 0.0

    def report(stage: str, _done: int, _total: int) -> None:
        nonlocal start
        if stage == "probing":
            start = time.perf_counter()

    write_card(open_image(image), card, verify=False, report=report)
    return time.perf_counter() - start


def write_dd(image: Path, card: Disk) -> float:
    command = ["dd", f"if={image}", f"of={card.path}", f"bs={CHUNK}", "oflag=direct", "conv=fsync,notrunc"]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def hold(card: Disk, bytes_per_s: int) -> None:
    """Let it take no more than that; 0 lifts it."""
    device = Path("/sys/class/block", Path(card.path).name, "dev").read_text().strip()
    LIMITS.write_text(f"{device} {bytes_per_s}")


def compare(title: str, raw: Path, packed: Path, card: Disk, rounds: int) -> None:
    pairs = [(write_dd(raw, card), write(packed, card)) for _ in range(rounds)]
    dd, own = (median(side) for side in zip(*pairs, strict=True))
    size = raw.stat().st_size / 1e6
    click.echo(f"{title}: dd {size / dd:.0f} MB/s, edgeseg {size / own:.0f} MB/s, ratio {dd / own:.2f}")


@click.command()
@click.argument("mib", default=512)
@click.argument("rounds", default=7)
@click.argument("folder", default="")
def main(mib: int, rounds: int, folder: str) -> None:
    attached: list[str] = []
    with tempfile.TemporaryDirectory(dir=folder or None) as scratch:
        raw, packed, backing = (Path(scratch, name) for name in ("a.img", "a.img.xz", "card.bin"))
        make(raw, mib)
        backing.write_bytes(b"\xee" * (mib + 8) * MIB)
        try:
            card = attach(backing, attached)
            compare("as it is", raw, raw, card, rounds)
            if not LIMITS.exists():
                click.echo("no .xz: holding a device to a card's speed needs the blkio controller of cgroup v1")
                return
            make(raw, max(2, mib // 4))
            packed.write_bytes(lzma.compress(raw.read_bytes(), preset=1))
            hold(card, CARD_BYTES_PER_S)
            try:
                compare(f".xz to {CARD_BYTES_PER_S / 1e6:.0f} MB/s", raw, packed, card, rounds)
            finally:
                hold(card, 0)
        finally:
            detach(attached)


if __name__ == "__main__":
    main()
