"""A disk image as Raspberry Pi OS has it, made of a root file system without mounts and loop devices.

A DOS partition table; `bootfs`, FAT32, 512 MiB from 8 MiB on; `rootfs`, ext4.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

MIB = 2**20
BOOT_START, BOOT_SIZE = 8 * MIB, 512 * MIB
ROOT_START = BOOT_START + BOOT_SIZE
SPARE = 2048 * MIB
"""Free on the root file system, as on a card larger than its image: three releases with packages of their own fit."""
SECTOR = 512
DISK_ID = "5ee5ee51"
PATH = "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"]
FSTAB = f"""\
proc                  /proc           proc  defaults          0  0
PARTUUID={DISK_ID}-01  /boot/firmware  vfat  defaults          0  2
PARTUUID={DISK_ID}-02  /               ext4  defaults,noatime  0  1
"""
STOCK = {
    "cmdline.txt": f"console=serial0,115200 console=tty1 root=PARTUUID={DISK_ID}-02 rootfstype=ext4 fsck.repair=yes "
    "rootwait\n",
    "config.txt": "arm_64bit=1\nauto_initramfs=1\n\n[all]\n",
    "meta-data": "dsmode: local\ninstance_id: rpios-image\n",
    "user-data": "#cloud-config\n\n# All of it is commented out in the image.\n",
    "network-config": "# All of it is commented out in the image.\n",
}
"""Files of the boot partition that a user may write."""


def write_image(root: Path, image: Path, work: Path) -> None:
    """Write the disk `image` from the folder `root`; `work` is for files on the way."""
    (root / "etc/fstab").write_text(FSTAB)
    used = int(_run("du", "--summarize", "--bytes", "--one-file-system", str(root)).split()[0])
    root_size = (used * 12 // 10 + SPARE) // (4 * MIB) * 4 * MIB
    _truncate(image, ROOT_START + root_size)
    table = [
        f"label: dos\nlabel-id: 0x{DISK_ID}",
        f"start={BOOT_START // SECTOR}, size={BOOT_SIZE // SECTOR}, type=c",
        f"start={ROOT_START // SECTOR}, type=83",
    ]
    _run("sfdisk", "--quiet", str(image), given="\n".join(table))
    options = ["-q", "-t", "ext4", "-L", "rootfs", "-d", str(root), "-E", f"offset={ROOT_START}"]
    _run("mke2fs", *options, str(image), f"{root_size // 1024}k")
    boot = work / "boot.fat"
    _write_boot(root, boot, work)
    _run("dd", f"if={boot}", f"of={image}", "bs=1M", f"seek={BOOT_START // MIB}", "conv=notrunc,sparse")


def _write_boot(root: Path, boot: Path, work: Path) -> None:
    _truncate(boot, BOOT_SIZE)
    _run("mkfs.vfat", "-F", "32", "-s", "1", "-n", "bootfs", str(boot))
    files = {"kernel8.img": _only(root / "boot", "vmlinuz-*"), "initramfs8": _only(root / "boot", "initrd.img-*")}
    for name, text in STOCK.items():
        files[name] = work / name
        files[name].write_text(text)
    for name, path in files.items():
        _run("mcopy", "-i", str(boot), str(path), f"::{name}")


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _truncate(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, env=os.environ | {"PATH": PATH}
    )
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
