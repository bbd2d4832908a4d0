"""`edgeseg deploy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.commands.live_options import NOT_FOR_SERVICE, check_live
from edgeseg.commands.options import FOLDER
from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.deploy.address import Address

LIVE = "edgeseg.live"


class WithLive(click.Command):
    """Keeps what follows -- apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options for edgeseg live go to ctx.meta; None where there is no --."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[LIVE] = tuple(args[at + 1 :]) if at < len(args) else None
        return super().parse_args(ctx, args[:at])


@click.command(cls=WithLive)
@click.argument("words", nargs=-1, metavar="[BUNDLE] BOARD... [-- LIVE OPTIONS]")
@click.option("--rollback", is_flag=True, help="Go back to the release before; give no BUNDLE.")
@click.option("--status", is_flag=True, help="Tell what runs on the boards; give no BUNDLE.")
@click.option("--inventory", type=FOLDER, metavar="FILE", help="Boards out of an Ansible inventory (INI, .yml).")
@click.option("--limit", multiple=True, metavar="NAME", help="A group or host of the inventory; repeatable.")
@click.option("--parallel", type=click.IntRange(1, 200), default=8, show_default=True, help="Boards at a time.")
@click.option("--page", is_flag=True, help="Show the page to other machines, at port 8080 and with a token.")
@click.option("--token-file", type=FOLDER, metavar="FILE", help="The token of the page.  [default: the board's own]")
@click.option("--mqtt-password-file", type=FOLDER, metavar="FILE", help="The password for mqtt://user@host/topic.")
@click.option("--key", type=FOLDER, metavar="KEY.pub.pem", help="The first key that a board trusts from now on.")
@click.option("--identity", type=FOLDER, metavar="FILE", help="Your SSH key.  [default: as ssh has it]")
@click.option("--accept-new-host-keys", is_flag=True, help="Trust boards that were never seen; changed keys never.")
@click.option("--json", "as_json", is_flag=True, help="Print how it went with each board as JSON.")
@click.pass_context
def deploy(
    context: click.Context,
    words: tuple[str, ...],
    rollback: bool,
    status: bool,
    inventory: Path | None,
    limit: tuple[str, ...],
    parallel: int,
    page: bool,
    token_file: Path | None,
    mqtt_password_file: Path | None,
    key: Path | None,
    identity: Path | None,
    accept_new_host_keys: bool,
    as_json: bool,
) -> None:
    """Put BUNDLE onto boards through SSH, prove it there, and switch to it.

    BOARD is user@host, user@host:port or a name in your ~/.ssh/config. It goes back by itself
    to what ran before where the new one does not run well.

    What follows -- are options for edgeseg live that the boards keep: -- --source picamera:0
    """
    from edgeseg.deploy.connection import Login, check_identity
    from edgeseg.deploy.fleet import exit_code
    from edgeseg.deploy.lines import Lines
    from edgeseg.deploy.report import problems, text, to_json
    from edgeseg.deploy.rollout import Order, Settings
    from edgeseg.deploy.run import Run

    live: tuple[str, ...] | None = context.meta[LIVE]
    asking = rollback or status
    if rollback and status:
        raise UsageError("--rollback and --status are two things; give one")
    if asking and (page or token_file or mqtt_password_file or key or live is not None):
        raise UsageError("--page, --key, files of secrets and options after -- come with a BUNDLE, and only so")
    if not asking and not words:
        raise UsageError("give a bundle and boards:  edgeseg deploy BUNDLE user@board")
    if asking and words and (words[0].endswith(".edgeseg") or Path(words[0]).is_file()):
        raise UsageError(f"--rollback and --status take boards alone; leave out {words[0]}")
    if identity:
        check_identity(identity)
    boards = _boards(words if asking else words[1:], inventory, limit)
    lines = Lines()
    run = Run(boards, Login(identity, accept_new_host_keys), lines.watch, parallel)
    try:
        if status:
            outcomes = run.status()
        elif rollback:
            outcomes = run.rollback()
        else:
            check_live(live or (), NOT_FOR_SERVICE)
            settings = Settings.with_secrets(live, page, token_file, mqtt_password_file)
            outcomes = run.roll_out(Order.of(Path(words[0]), settings, key))
    finally:
        lines.clear()
    good = text(outcomes)
    if as_json:
        click.echo(json.dumps(to_json(outcomes), ensure_ascii=False))
    elif good:
        click.echo(good)
    for problem in problems(outcomes):
        click.echo(f"edgeseg: {problem}", err=True)
    context.exit(exit_code(outcomes))


def _boards(words: tuple[str, ...], inventory: Path | None, limits: tuple[str, ...]) -> list[Address]:
    from edgeseg.deploy.address import Address
    from edgeseg.deploy.inventory import read_inventory

    if limits and not inventory:
        raise UsageError("--limit chooses out of an inventory; give --inventory FILE")
    found = [Address.parse(word) for word in words]
    found += read_inventory(inventory, limits) if inventory else []
    if not found:
        raise UsageError("no board is named; write  user@host  or give --inventory FILE")
    return list(dict.fromkeys(found))
