"""What operating system is in an image."""

from __future__ import annotations

import re
import shlex
import struct
from dataclasses import dataclass
from typing import Literal

from edgeseg.customise.ext4 import Ext4
from edgeseg.errors import DataError

Way = Literal["cloud-init", "firstrun"]
"""How it is told what to do at its first boot: files for cloud-init, or a script that cmdline.txt names."""
SYSTEMS = ("trixie", "bookworm")
MACHINES = {183: "aarch64", 40: "armv7l", 62: "x86_64"}
"""By the number in an ELF header."""
_TAKE = "take Raspberry Pi OS Lite (64-bit), Trixie or Bookworm"


@dataclass(frozen=True)
class System:
    """An operating system as far as it matters to what is put onto it."""

    title: str
    """As it calls itself."""
    codename: str
    """'trixie' or 'bookworm'."""
    python: tuple[int, int]
    machine: str
    """As `uname -m` will say."""
    cloud_init: bool

    @property
    def way(self) -> Way:
        """The first Trixie images had no cloud-init, and take a script as Bookworm does."""
        return "cloud-init" if self.cloud_init and self.codename == "trixie" else "firstrun"


def read_system(root: Ext4) -> System:
    """Tell it by its files; raises DataError that says what is known of one that is not taken."""
    try:
        release = root.read("etc/os-release", 1 << 16).decode(errors="replace")
    except FileNotFoundError as error:
        raise DataError(f"the image has no /etc/os-release, so it is no system that is known here; {_TAKE}") from error
    told: dict[str, str] = dict(re.findall(r"^([A-Z_]+)=(.*)$", release, re.MULTILINE))
    told = {name: "".join(shlex.split(value)) if value.count('"') in (0, 2) else value for name, value in told.items()}
    title = told.get("PRETTY_NAME", told.get("ID", "no name"))
    if told.get("ID") not in ("debian", "raspbian") or told.get("VERSION_CODENAME") not in SYSTEMS:
        raise DataError(f"the image holds '{title}', which is not known here; {_TAKE}")
    try:
        program = root.resolve("usr/bin/python3")
        header = root.read("usr/bin/python3", 64)
    except FileNotFoundError as error:
        raise DataError(f"the image ({title}) has no /usr/bin/python3; {_TAKE}") from error
    version = re.fullmatch(r"usr/bin/python(\d+)\.(\d+)", program)
    if not version or len(header) < 20 or not header.startswith(b"\x7fELF"):
        raise DataError(f"the image ({title}) has no Python that is known here ({program}); {_TAKE}")
    (number,) = struct.unpack_from("<H", header, 18)
    machine = MACHINES.get(number, f"machine {number}")
    if machine != "aarch64" or header[4] != 2:
        bits = "a 32-bit system, for which nobody builds the runtime" if header[4] == 1 else f"for {machine}"
        raise DataError(f"the image ({title}) is {bits}; {_TAKE}")
    return System(
        title=title,
        codename=told["VERSION_CODENAME"],
        python=(int(version[1]), int(version[2])),
        machine=machine,
        cloud_init=root.exists("usr/bin/cloud-init"),
    )
