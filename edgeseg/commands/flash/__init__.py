"""`edgeseg flash`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from edgeseg.commands.flash.disk import table
from edgeseg.commands.flash.options import board_options
from edgeseg.commands.options import FOLDER
from edgeseg.errors import UsageError


@click.command()
@click.argument("image", required=False, type=FOLDER)
@click.argument("live", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTIONS OF LIVE]")
@click.option("--to", metavar="DEVICE|FILE", help="A card such as /dev/sdb, or a file such as card.img.")
@click.option("--list", "list_only", is_flag=True, help="List the disks, and why others than cards are refused.")
@click.option("--inspect", type=FOLDER, metavar="CARD", help="Read a card, image file or boot folder back.")
@click.option("--json", "as_json", is_flag=True, help="With --inspect: everything, as JSON.")
@click.option("--yes", is_flag=True, help="Do not ask for the disk's model; replace a file.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Read back what was written.")
@click.option("--allow-loop", is_flag=True, help="Let DEVICE be a loop device.")
@board_options
@click.pass_context
def flash(
    context: click.Context,
    image: Path | None,
    live: tuple[str, ...],
    to: str | None,
    list_only: bool,
    inspect: Path | None,
    as_json: bool,
    yes: bool,
    verify: bool,
    allow_loop: bool,
    board: Mapping[str, Any],
) -> None:
    """Write the disk IMAGE (.img, .img.xz, .img.zst or .img.gz) to a card, and prove it.

    A card does not boot before it is written as a whole and, unless --no-verify, read back.
    Where the image has a block map beside it (name.bmap), only what it maps is written.

    With --bundle the image is one of Raspberry Pi OS Lite (64-bit), and the board that boots
    the card sets itself up without a network: user, Wi-Fi, and edgeseg as a service that runs
    the bundle. What stands after -- are options of edgeseg live that are this board's own.
    """
    from edgeseg.commands.flash.gather import gather, refuse_without_bundle
    from edgeseg.commands.flash.inspect import show
    from edgeseg.commands.flash.write import Job, write

    if as_json and not inspect:
        raise UsageError("--json goes with --inspect")
    if image and (list_only or inspect):
        raise UsageError("--list and --inspect take no image; leave it out")
    if list_only:
        from edgeseg.flash.disks import list_disks

        click.echo(table(list_disks(), allow_loop))
        return
    if inspect:
        show(inspect, as_json)
        return
    if image is None or (to is None and not board["dry_run"]):
        raise UsageError("give an image and where it goes:  edgeseg flash IMAGE --to DEVICE|FILE,  or --list")
    if board["bundle"] is None:
        refuse_without_bundle(board, live, context)
    settings = gather(board, live) if board["bundle"] else None
    job = Job(image, to or "", yes, verify, allow_loop, board["dry_run"], token_is_new=board["token_file"] is None)
    write(job, settings)
