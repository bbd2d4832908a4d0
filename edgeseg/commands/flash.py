"""`edgeseg flash`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.commands.options import FOLDER
from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.flash.disks import Disk


@click.command()
@click.argument("image", required=False, type=FOLDER)
@click.option("--to", metavar="DEVICE|FILE", help="A card such as /dev/sdb, or a file such as card.img.")
@click.option("--list", "list_only", is_flag=True, help="List the disks, and why others than cards are refused.")
@click.option("--yes", is_flag=True, help="Do not ask for the disk's model to be typed.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Read back what was written.")
@click.option("--allow-loop", is_flag=True, help="Let DEVICE be a loop device.")
def flash(image: Path | None, to: str | None, list_only: bool, yes: bool, verify: bool, allow_loop: bool) -> None:
    """Write the disk IMAGE (.img, .img.xz, .img.zst or .img.gz) to a card, and prove it.

    A card boots once it is written as a whole and read back, and not before. Where the image
    has a block map beside it (name.bmap), only what it maps is written.
    """
    from edgeseg.flash.disks import list_disks
    from edgeseg.flash.image import open_image
    from edgeseg.flash.meter import Meter
    from edgeseg.flash.write import write_card, write_file
    from edgeseg.progress import ProgressLine

    if list_only:
        click.echo(_table(list_disks(), allow_loop))
        return
    if image is None or to is None:
        raise UsageError("give an image and where it goes:  edgeseg flash IMAGE --to DEVICE|FILE,  or --list")
    line, meter = ProgressLine(), Meter()

    def report(stage: str, done: int, total: int) -> None:
        line.show(meter.text(stage, done, total))

    source = open_image(image, report)
    line.clear()
    if _is_device(to):
        disk = _allowed(to, source.size, allow_loop)
        if not yes:
            _confirm(disk)
        outcome = write_card(source, disk, verify, report)
    else:
        outcome = write_file(source, Path(to), verify, report)
    line.clear()
    click.echo(_done(to, outcome.written, outcome.size, outcome.verified))


def _is_device(to: str) -> bool:
    return to.startswith(("/dev/", "\\\\.\\")) or Path(to).is_block_device()


def _allowed(to: str, needed: int, allow_loop: bool) -> Disk:
    from edgeseg.flash.disks import find, list_disks, refusal

    disk = find(list_disks(), Path(to))
    reason = refusal(disk, needed, allow_loop)
    if reason:
        raise UsageError(f"{to}: {reason}")
    return disk


def _confirm(disk: Disk) -> None:
    """Raises UsageError unless the model is typed."""
    from edgeseg.flash.units import size_text

    click.echo(f"All that is on {disk.path} ({disk.title}, {size_text(disk.size)}) will be lost.", err=True)
    click.echo(f"Type  {disk.title}  to go on: ", err=True, nl=False)
    typed = " ".join(sys.stdin.readline().split())
    if typed.casefold() != disk.title.casefold():
        raise UsageError(f"nothing was written, since '{typed}' is not '{disk.title}'; type that, or give --yes")


def _table(disks: list[Disk], allow_loop: bool) -> str:
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


def _done(to: str, written: int, size: int, verified: bool) -> str:
    from edgeseg.flash.units import size_text

    part = f"{size_text(written)} of {size_text(size)}, as its block map says" if written < size else size_text(size)
    return f"{to}: written ({part})" + (", read back and the same" if verified else ", not read back")
