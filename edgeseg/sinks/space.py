"""Room on the disk, missed while there is still enough of it to finish what was begun."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from edgeseg.errors import OutputError

MB = 1_000_000
RESERVE = 16 * MB
"""Bytes that outputs leave free."""
CHECK_EVERY_S = 1.0


def free_bytes(folder: Path, name: str) -> int:
    """What is left for us on the disk that holds `folder`; raises OutputError that begins with `name`."""
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"{name}: its disk cannot be read ({error.strerror}); is it still there?") from error


class Room:
    """The disk that holds `folder`. Looks at it at most once a second, so a sink may ask at each frame."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._again_at = 0.0

    def check(self) -> None:
        """Raises OutputError where the disk is nearly full."""
        now = time.monotonic()
        if now < self._again_at:
            return
        left = free_bytes(self._folder, self._name)
        if left < RESERVE:
            raise OutputError(f"{self._name}: the disk is nearly full ({left // MB} MB left); free some space")
        self._again_at = now + CHECK_EVERY_S
