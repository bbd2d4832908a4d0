"""The command line: its commands, and how errors become exit codes (they are in the README)."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from importlib import import_module

import click

from edgeseg import __version__
from edgeseg.errors import INTERRUPTED, EdgesegError
from edgeseg.progress import clear_line

COMMANDS = (
    *("demo", "data", "train", "evaluate", "quantize", "check", "compile", "compare", "bench"),
    *("bundle", "selftest", "flash", "deploy", "boards", "doctor", "zoo", "live"),
)
"""Each is a module of `edgeseg.commands`, and in it a command of that name."""
MAY_HANG = frozenset({"capture", "loop", "outputs", "window", "page", "record", "mqtt", "mqtt-stop", "reload"})
"""Threads that a driver may hold for ever; Python, which would wake them at its end, then aborts."""


class Commands(click.Group):
    """Imports a command when it is called for: a loop on a board starts the sooner."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """None where there is none of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"edgeseg.commands.{name}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="edgeseg")
def cli() -> None:
    """From a folder of labelled images to a board that segments its camera."""


def main() -> None:
    """Run the command line; every error that a user can mend is one line and an exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: nothing here needs its threads
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what Ctrl-C tidies up, `systemctl stop` does too
    code = _run()
    if any(thread.name in MAY_HANG for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EdgesegError as error:
        clear_line()
        click.echo(f"edgeseg: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        clear_line()
        click.echo("edgeseg: interrupted", err=True)
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        cure = "; free some space" if error.errno == errno.ENOSPC else ""
        click.echo(f"edgeseg: {where}{error.strerror or error}{cure}", err=True)
        return 1
    return code if isinstance(code, int) else 0  # of a command that ended by context.exit
