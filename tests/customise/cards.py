"""Small images shaped like Raspberry Pi OS, made with the system's own tools."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOLS = {
    "mkfs.vfat": "dosfstools",
    "fsck.vfat": "dosfstools",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "sfdisk": "fdisk",
    "bmaptool": "bmap-tools",
    "xz": "xz-utils",
}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MIB = 1 << 20
BOOT_AT, BOOT_MIB, ROOT_MIB = 1, 40, 4
PRETTY = {"trixie": "Debian GNU/Linux 13 (trixie)", "bookworm": "Debian GNU/Linux 12 (bookworm)"}
COMMAND_LINE = b"console=serial0,115200 root=PARTUUID=5ee5ee51-02 rootfstype=ext4 fsck.repair=yes rootwait\n"
STOCK = {
    "cmdline.txt": COMMAND_LINE,
    "config.txt": b"arm_64bit=1\ncamera_auto_detect=1\n[cm5]\ndtoverlay=dwc2\n",
    "meta-data": b"dsmode: local\ninstance_id: rpios-image\n",
    "user-data": b"#cloud-config\n# stock: everything commented out\n#hostname: raspberrypi\n",
    "network-config": b"# stock\n",
}


def need(*tools: str) -> None:
    """Skip where one is missing, with what to install."""
    for tool in tools:
        if not shutil.which(tool, path=PATH):
            pytest.skip(f"needs {tool}: apt install {TOOLS.get(tool, tool)}")


def tool(*command: object, data: bytes | None = None) -> str:
    """What it printed; raises CalledProcessError where it fails."""
    words = [str(word) for word in command]
    found = subprocess.run(words, input=data, capture_output=True, check=True, env=os.environ | {"PATH": PATH})
    return found.stdout.decode(errors="replace")


def elf(machine: int = 183, bits: int = 2) -> bytes:
    """The 64 bytes that a program for that machine begins with."""
    return (b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9) + struct.pack("<HH", 2, machine)).ljust(64, b"\x00")


@dataclass(frozen=True)
class Shape:
    """What an image is like."""

    codename: str = "trixie"
    python: str = "3.13"
    cloud_init: bool = True
    program: bytes = elf()
    release: str = ""
    """All of os-release; made where empty."""
    stock: tuple[tuple[str, bytes], ...] = tuple(STOCK.items())
    boot_mib: int = BOOT_MIB


BOOKWORM = Shape("bookworm", "3.11", cloud_init=False, stock=tuple(list(STOCK.items())[:2]))


def root_folder(folder: Path, shape: Shape) -> Path:
    (folder / "usr/lib").mkdir(parents=True)
    (folder / "usr/bin").mkdir()
    (folder / "etc").mkdir()
    release = shape.release or f'PRETTY_NAME="{PRETTY[shape.codename]}"\nID=debian\nVERSION_CODENAME={shape.codename}\n'
    (folder / "usr/lib/os-release").write_text(release)
    (folder / "etc/os-release").symlink_to("../usr/lib/os-release")
    (folder / f"usr/bin/python{shape.python}").write_bytes(shape.program)
    (folder / "usr/bin/python3").symlink_to(f"python{shape.python}")
    if shape.cloud_init:
        (folder / "usr/bin/cloud-init").write_text("#!/usr/bin/python3\n")
    return folder


def make_image(path: Path, shape: Shape, work: Path) -> Path:
    """An MBR, a FAT32 boot partition of 512-byte clusters as pi-gen makes it, and an ext4 root."""
    need("mkfs.vfat", "mcopy", "mke2fs", "sfdisk")
    root_at = BOOT_AT + shape.boot_mib
    with path.open("wb") as file:
        file.truncate((root_at + ROOT_MIB) * MIB)
    table = (
        "label: dos\nlabel-id: 0x5ee5ee51\n"
        f"start={BOOT_AT * 2048}, size={shape.boot_mib * 2048}, type=c\nstart={root_at * 2048}, type=83\n"
    )
    tool("sfdisk", "-q", path, data=table.encode())
    folder = root_folder(work / "root", shape)
    tool("mke2fs", "-q", "-t", "ext4", "-d", folder, "-E", f"offset={root_at * MIB}", path, f"{ROOT_MIB}M")
    boot = work / "boot"
    with boot.open("wb") as file:
        file.truncate(shape.boot_mib * MIB)
    tool("mkfs.vfat", "-F", "32", "-s", "1", "-n", "bootfs", boot)
    for name, data in shape.stock:
        tool("mcopy", "-i", boot, "-", f"::{name}", data=data)
    tool("dd", f"if={boot}", f"of={path}", "bs=1M", f"seek={BOOT_AT}", "conv=notrunc,sparse", "status=none")
    shutil.rmtree(folder)
    boot.unlink()
    return path


def boot_of(image: Path) -> str:
    """The boot partition, as mtools are told it."""
    return f"{image}@@{BOOT_AT * MIB}"


def on_card(image: Path, name: str) -> bytes:
    """A file, read by mtools."""
    command = ["mcopy", "-i", boot_of(image), f"::{name}", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def names_on_card(image: Path) -> set[str]:
    """All files, listed by mtools."""
    found = tool("mdir", "-/", "-b", "-f", "-i", boot_of(image), "::")
    return {line.removeprefix("::/") for line in found.splitlines() if line and not line.endswith("/")}


def check_fat(image: Path, work: Path) -> None:
    """Raises CalledProcessError where fsck finds anything."""
    part = work / "checked"
    tool("dd", f"if={image}", f"of={part}", "bs=1M", f"skip={BOOT_AT}", f"count={BOOT_MIB}", "status=none")
    tool("fsck.vfat", "-n", part)
    part.unlink()
