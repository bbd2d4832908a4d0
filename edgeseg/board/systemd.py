"""What is asked of systemd."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress

from edgeseg.board.layout import SERVICE
from edgeseg.errors import OutputError, UsageError
from edgeseg.printable import printable

LIMIT_S = 60
STOP_LIMIT_S = 120
"""systemd gives a service 90 s before it kills it."""


def run(command: Sequence[str], limit_s: float = LIMIT_S) -> str:
    """What it prints; raises OutputError with its last word where it fails or does not answer."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=limit_s
        )
    except FileNotFoundError as error:
        raise UsageError(f"this machine has no {command[0]}: edgeseg runs as a service of systemd") from error
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"systemd did not answer within {limit_s:g} s; start the board anew") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise OutputError(f"systemd refused: {printable(lines[-1]) if lines else f'code {done.returncode}'}")
    return done.stdout


def reload() -> None:
    """After a unit's file or drop-in changed."""
    run(["systemctl", "daemon-reload"])


def restart() -> None:
    """Stop the service and have it started; what becomes of that, `show` tells."""
    stop()
    run(["systemctl", "start", "--no-block", SERVICE])


def stop() -> None:
    """Stop the service, and forget that it failed."""
    run(["systemctl", "stop", SERVICE], STOP_LIMIT_S)
    with suppress(OutputError):  # systemd forgets a unit that is not enabled once it has stopped
        run(["systemctl", "reset-failed", SERVICE])


def enable() -> None:
    """Have it run after each start of the board."""
    run(["systemctl", "enable", "--quiet", SERVICE])


def disable() -> None:
    """Stop the service, and have it not run after a start."""
    stop()
    with suppress(OutputError):  # it was never enabled
        run(["systemctl", "disable", "--quiet", SERVICE])


def show(unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit; empty where there is none of that name."""
    out = run(["systemctl", "show", unit, f"--property={','.join(names)}"])
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def log(unit: str, lines: int) -> list[str]:
    """Its last words, without times and names; none where there is no journal."""
    try:
        out = run(["journalctl", "-u", unit, "-n", str(lines), "-o", "cat", "--no-pager", "--quiet"])
    except (OutputError, UsageError):
        return []
    return [line for line in out.splitlines() if line.strip()]
