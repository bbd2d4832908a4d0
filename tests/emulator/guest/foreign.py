"""Run a command as root of a namespace of its own in which arm64 programs run: `foreign.py COMMAND …`.

Linux keeps the table of foreign programs for each user namespace from 6.7 on, so that
nothing changes for the rest of the machine.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import NoReturn

NEW_USERS, NEW_MOUNTS = 0x1000_0000, 0x0002_0000
"""CLONE_NEWUSER and CLONE_NEWNS."""
SAME_IDS = "0 0 65536\n"
"""Each user is who it was outside, for the owners of the guest's files."""
TABLE = Path("/proc/sys/fs/binfmt_misc")
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
FOLDER_VARIABLE, FOLDER = "QEMU_BINFMT_DIR", "/usr/libexec/qemu-binfmt/"
"""Names another folder of qemu-user's programs."""


def main(command: list[str]) -> NoReturn:
    """Ends as the command does."""
    mapped, ready = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        _unshare()
        os.write(ready[1], b"1")
        os.read(mapped[0], 1)
        _enter()
        os.execvp(command[0], command)
    os.close(ready[1])
    if not os.read(ready[0], 1):
        sys.exit("no user namespaces here")
    for kind in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{kind}").write_text(SAME_IDS)
    os.write(mapped[1], b"1")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_USERS | NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")


def _enter() -> None:
    os.setgroups([])
    os.setgid(0)
    os.setuid(0)
    libc = ctypes.CDLL(None, use_errno=True)
    private, recursive = 1 << 18, 1 << 14
    if libc.mount(b"none", b"/", None, private | recursive, None) or libc.mount(
        b"none", os.fsencode(TABLE), b"binfmt_misc", 0, None
    ):
        raise OSError(ctypes.get_errno(), "no table of foreign programs in a user namespace (Linux 6.7 has it)")
    rule = RULE.read_text().strip().replace(FOLDER, os.environ.get(FOLDER_VARIABLE, FOLDER))
    (TABLE / "register").write_text(rule)


if __name__ == "__main__":
    main(sys.argv[1:])
