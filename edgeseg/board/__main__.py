"""`python3 -m edgeseg.board VERB`: one JSON object, or one line that says what is wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from edgeseg.board.health import Patience
from edgeseg.board.layout import Layout
from edgeseg.errors import INTERRUPTED, EdgesegError, GateError, UsageError

DEFAULT = Patience()
PATH = click.Path(path_type=Path)
packages_option = click.option("--packages", required=True, metavar="ID", help="Packages that run it.")
limit_option = click.option("--limit", type=float, default=DEFAULT.limit_s, help="Seconds until it is healthy.")
hold_option = click.option("--hold", type=float, default=DEFAULT.hold_s, help="Seconds that it stays so.")


@click.group()
def board() -> None:
    """Install releases on this board, switch between them, and tell how they do."""


def _say(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told))


def _decided(told: dict[str, Any]) -> None:
    """A switch that returned is told as JSON like one that did not, with exit code 3."""
    from edgeseg.board.switch import RETURNED

    _say(told)
    if told["state"] == RETURNED:
        raise click.exceptions.Exit(GateError.exit_code)


@board.command()
@click.argument("bundle", type=PATH)
@packages_option
def install(bundle: Path, packages: str) -> None:
    """Check and prove BUNDLE, and keep it as a release."""
    from edgeseg.board import install as work

    release, new = work.install(Layout.here(), bundle, packages)
    _say({"release": release, "new": new})


@board.command()
@click.argument("release")
@limit_option
@hold_option
def switch(release: str, limit: float, hold: float) -> None:
    """Try RELEASE, and keep it where it is healthy."""
    from edgeseg.board import detached

    _decided(detached.switch(Layout.here(), release, Patience(limit, hold)))


@board.command(hidden=True)
@click.argument("release")
@limit_option
@hold_option
def run_switch(release: str, limit: float, hold: float) -> None:
    """What `switch` has systemd run."""
    from edgeseg.board import switch as work

    _decided(work.switch(Layout.here(), release, Patience(limit, hold)))


@board.command(hidden=True)
def settle() -> None:
    """What systemd runs after it."""
    from edgeseg.board import switch as work

    _say(work.settle(Layout.here()))


@board.command()
@limit_option
@hold_option
def rollback(limit: float, hold: float) -> None:
    """Switch to the release before the current one."""
    from edgeseg.board import detached
    from edgeseg.board.releases import locked, previous
    from edgeseg.board.switch import forget

    layout = Layout.here()
    release = previous(layout)
    if release is None:
        raise UsageError("there is no release before this one; deploy one")
    with locked(layout):
        forget(layout, release)  # of a deploy that was cut off before its switch
    _decided(detached.switch(layout, release, Patience(limit, hold)))


@board.command()
def status() -> None:
    """Tell what runs, and how it does."""
    from edgeseg.board import status as work

    _say(work.status(Layout.here()))


@board.command()
def prune() -> None:
    """Keep the last three releases."""
    from edgeseg.board import prune as work

    _say(work.prune(Layout.here()))


@board.command()
@click.argument("bundle", type=PATH)
@packages_option
@limit_option
@hold_option
def first_boot(bundle: Path, packages: str, limit: float, hold: float) -> None:
    """Have the card's BUNDLE run after the first start."""
    from edgeseg.board import first

    _say(first.first_boot(Layout.here(), bundle, packages, Patience(limit, hold)))


def main() -> int:
    """Gives the exit code."""
    os.umask(0o022)  # a stricter one of root's would hide what the service reads
    try:
        code = board(standalone_mode=False, prog_name="python3 -m edgeseg.board")
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EdgesegError as error:
        click.echo(f"edgeseg: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"edgeseg: {where}{error.strerror or error}", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
