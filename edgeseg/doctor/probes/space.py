"""Whether the disk has room for a release and its Python packages."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, wrong
from edgeseg.doctor.system import System

LEAST_MB = 400
"""The packages that a board needs take 314 MB unpacked."""
COLUMNS = 6


def look(system: System) -> Finding:
    """Ask df, as POSIX has it."""
    answer = system.ask(["df", "-kP", "/"])
    fields = answer.out.splitlines()[-1].split() if answer is not None and answer.out.strip() else []
    if len(fields) < COLUMNS or not fields[3].isdigit():
        return UNASKED
    free_mb = int(fields[3]) * 1024 // 1_000_000
    if free_mb < LEAST_MB:
        return wrong(
            f"{free_mb} MB free; a release takes up to {LEAST_MB}",
            "sudo apt clean && sudo journalctl --vacuum-size=50M",
        )
    return fine(f"{free_mb / 1000:.1f} GB free")
