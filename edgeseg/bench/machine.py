"""What this machine is called: a figure without its machine says little."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def name(root: Path = Path("/")) -> str:
    """Board or processor, cores and system, as in 'Raspberry Pi 5 Model B Rev 1.0, 4 cores, Linux aarch64'."""
    count = cores()
    return f"{_model(root)}, {count} core{'s' * (count > 1)}, {platform.system()} {platform.machine()}"


def _model(root: Path) -> str:
    try:
        return (root / "proc/device-tree/model").read_text().rstrip("\0\n ")
    except OSError:
        pass
    try:
        lines = (root / "proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")
