"""The command line: its commands, and how errors become exit codes (they are in the README)."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading

import click

from edgeseg import __version__
from edgeseg.commands.bench import bench
from edgeseg.commands.check import check
from edgeseg.commands.compare import compare
from edgeseg.commands.compile import compile
from edgeseg.commands.data import data
from edgeseg.commands.demo import demo
from edgeseg.commands.evaluate import evaluate
from edgeseg.commands.live import live
from edgeseg.commands.quantize import quantize
from edgeseg.commands.train import train
from edgeseg.errors import INTERRUPTED, EdgesegError
from edgeseg.progress import clear_line

COMMANDS = (demo, data, train, evaluate, quantize, check, compile, compare, bench, live)

MAY_HANG = ("capture", "loop", "outputs")
"""Threads that a driver may hold for ever; Python, which would wake them at its end, then aborts."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="edgeseg")
def cli() -> None:
    """From a folder of labelled images to a board that segments its camera."""


for command in COMMANDS:
    cli.add_command(command)


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
        cli(standalone_mode=False)
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
    return 0
