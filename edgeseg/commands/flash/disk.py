"""Which card, and that it is the one that is meant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.flash.disks import Disk


def is_device(to: str) -> bool:
    """Whether that is a disk, and not a file to be made."""
    return to.startswith(("/dev/", "\\\\.\\")) or Path(to).is_block_device()


def allowed(to: str, needed: int, allow_loop: bool) -> Disk:
    """The disk; raises UsageError with the reason where it may not be written to."""
    from edgeseg.flash.disks import find, list_disks, refusal

    disk = find(list_disks(), Path(to))
    reason = refusal(disk, needed, allow_loop)
    if reason:
        raise UsageError(f"{to}: {reason}")
    return disk


def confirm(disk: Disk) -> None:
    """Raises UsageError unless the model is typed."""
    from edgeseg.flash.units import size_text

    click.echo(f"All that is on {disk.path} ({disk.title}, {size_text(disk.size)}) will be lost.", err=True)
    click.echo(f"Type  {disk.title}  to go on: ", err=True, nl=False)
    typed = " ".join(sys.stdin.readline().split())
    if typed.casefold() != disk.title.casefold():
        raise UsageError(f"nothing was written, since '{typed}' is not '{disk.title}'; type that, or give --yes")


def table(disks: list[Disk], allow_loop: bool) -> str:
    """Each disk, and why it is refused or the command that writes to it."""
    from edgeseg.flash.disks import refusal
    from edgeseg.flash.units import size_text

    lines = []
    for disk in disks:
        if disk.kind in ("disk", "loop", "rom") and (disk.size or disk.removable):
            reason = refusal(disk, allow_loop=allow_loop)
            model = f"  {disk.model}" if disk.model else ""
            lines.append(f"{disk.path}{model}  {size_text(disk.size)}")
            lines.append(f"    {reason}" if reason else f"    edgeseg flash IMAGE --to {disk.path}")
    return "\n".join(lines) or "no disks; put a card in"
