"""The disks of this machine, and which of them may be written to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeseg.errors import UsageError
from edgeseg.flash.units import size_text

COLUMNS = "NAME,PATH,TYPE,SIZE,VENDOR,MODEL,SERIAL,RO,RM,HOTPLUG,MOUNTPOINTS"
SYSFS = Path("/sys/class/block")
SYSTEM = ("/", "/boot", "/efi", "/usr", "/var", "/home", "/nix", "[SWAP]")
"""A disk that holds one of these, or a folder below (but `/`), keeps this machine running."""


@dataclass(frozen=True)
class Disk:
    """A block device as `lsblk` sees it."""

    path: str
    """/dev/sdb."""
    kind: str
    """'disk', 'part', 'loop', 'crypt', 'rom' …"""
    size: int
    """Bytes; 0: a reader without a card."""
    model: str = ""
    """Vendor and model; empty where the disk does not say its model."""
    serial: str = ""
    """Empty where it tells none, as many readers do."""
    parent: str = ""
    """Path of what it is a part of."""
    read_only: bool = False
    removable: bool = False
    """Can be taken out, or is at a plug (USB, SD slot)."""
    mounts: tuple[tuple[str, str], ...] = ()
    """(device, mount point), its own and those of all that is on it."""
    users: tuple[str, ...] = ()
    """What uses it without a mount, as 'crypt /dev/mapper/x'."""
    backing: str = ""
    """Path of the disk that a loop device passes its bytes on to; empty where that is a file."""

    @property
    def title(self) -> str:
        """The name that is typed to confirm: the model, or the path where there is none."""
        return self.model or self.path

    @property
    def identity(self) -> tuple[object, ...]:
        """What another disk, put in under the same name, would hardly share."""
        return self.kind, self.size, self.model, self.serial, self.removable


def list_disks() -> list[Disk]:
    """Those of this machine; raises UsageError where it is no Linux with `lsblk`."""
    if sys.platform != "linux":
        raise UsageError(
            "cards are written on Linux only; write a file with  --to card.img  and put that on the card with "
            "Raspberry Pi Imager"
        )
    command = ["lsblk", "--json", "--bytes", "--all", "--output", COLUMNS]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise UsageError("lsblk is missing, which knows the disks; install util-linux") from error
    except subprocess.CalledProcessError as error:
        raise UsageError(f"lsblk does not tell the disks ({error.stderr.strip()}); update util-linux") from error
    return [completed(disk) for disk in parse(text)]


def completed(disk: Disk, sysfs: Path = SYSFS) -> Disk:
    """With what lsblk does not tell.

    That is the name of a card in a slot, that a soldered eMMC is none though it is on the same
    bus, and the disk behind a loop device.
    """
    name = Path(disk.path).name
    if slot := re.match(r"mmcblk\d+", name):
        device = sysfs / slot[0] / "device"
        fixed = _text(device / "type") == "MMC"  # a card is 'SD'
        return replace(disk, model=disk.model or _text(device / "name"), removable=disk.removable and not fixed)
    if disk.kind == "loop":
        backing = _text(sysfs / name / "loop" / "backing_file")
        return replace(disk, backing=backing if Path(backing).is_block_device() else "")
    return disk


def _text(path: Path) -> str:
    """Of a file; empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def parse(text: str) -> list[Disk]:
    """What `lsblk --json --bytes` printed, with the parts after what they are part of."""
    return [disk for node in json.loads(text)["blockdevices"] for disk in _disks(node, "")]


def _disks(node: dict[str, Any], parent: str) -> Iterator[Disk]:
    below = [disk for child in node.get("children", ()) for disk in _disks(child, node["path"])]
    own = [(node["path"], point) for point in node.get("mountpoints") or () if point]
    yield Disk(
        path=node["path"],
        kind=node["type"],
        size=int(node["size"] or 0),
        model=" ".join(f"{node['vendor'] or ''} {node['model'] or ''}".split()) if node["model"] else "",
        serial=(node.get("serial") or "").strip(),
        parent=parent,
        read_only=bool(node["ro"]),
        removable=bool(node["rm"] or node["hotplug"]),
        mounts=tuple(dict.fromkeys([*own, *(mount for disk in below for mount in disk.mounts)])),
        users=tuple(dict.fromkeys(f"{disk.kind} {disk.path}" for disk in below if disk.kind not in ("part", "disk"))),
    )
    yield from below


def find(disks: list[Disk], path: Path) -> Disk:
    """The disk that `path`, or what it links to, names; raises UsageError where there is none."""
    real = str(path.resolve())
    for disk in disks:
        if disk.path in (real, str(path)):
            return disk
    raise UsageError(f"{path}: no such disk; plug it in, and see  edgeseg flash --list")


def refusal(disk: Disk, needed: int = 0, allow_loop: bool = False) -> str:
    """Why `needed` bytes are not written there and what to do; empty where they may be."""
    system = [point for _, point in disk.mounts if _keeps_running(point)]
    if disk.kind == "part":
        return f"is a partition; give its whole disk, {disk.parent}"
    if system:
        return f"holds this machine's own system ({', '.join(system)}); choose another disk"
    if disk.backing:
        return f"is a loop device on the disk {disk.backing}; give that disk itself"
    if disk.kind == "loop" and not allow_loop:
        return "is a loop device, a file that acts as a disk; --allow-loop lets it pass"
    if disk.kind not in ("disk", "loop"):
        return f"is no disk of its own ({disk.kind}); choose another"
    if disk.kind == "disk" and not disk.removable:
        return "is built in, not removable; choose a card or a USB disk"
    if not disk.size:
        return "has no card in it; insert one"
    if disk.mounts:
        devices = " ".join(dict.fromkeys(device for device, _ in disk.mounts))
        points = ", ".join(point for _, point in disk.mounts)
        return f"is mounted at {points}; run  sudo umount {devices}"
    if disk.users:
        return f"is in use by {', '.join(disk.users)}; close that first"
    if disk.read_only:
        return "is read-only; move the little switch at the side of the card or its adapter"
    if disk.size < needed:
        return f"is too small: it holds {size_text(disk.size)}, the image needs {size_text(needed)}; take a larger card"
    return ""


def _keeps_running(point: str) -> bool:
    return any(point == system or (system != "/" and point.startswith(system + "/")) for system in SYSTEM)
