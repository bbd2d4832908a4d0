"""`belt:` the rendered conveyor, a camera for machines that have none.

`belt:?seed=2026&size=360x480&frames=240&fps=30`: all optional. Without `fps` each frame comes
as soon as it is asked for; with it, no faster than that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeseg.errors import UsageError
from edgeseg.sources.frame import Frame
from edgeseg.sources.stored import Stored
from edgeseg.uri import read_options, read_size

if TYPE_CHECKING:
    from edgeseg.scene.belt import Belt

DEFAULTS = {"seed": "2026", "size": "360x480", "frames": "0", "fps": "0"}


def accepts(uri: str) -> bool:
    """True for `belt:…`."""
    return uri == "belt" or uri.startswith("belt:")


def open(uri: str) -> BeltSource:
    """Raises UsageError for options that cannot be read."""
    from edgeseg.scene.belt import Belt  # here, since NumPy's generators take a while to load

    options = read_options(uri, DEFAULTS, query=uri.partition(":")[2].lstrip("?"))
    try:
        if int(options["frames"]) < 0 or float(options["fps"]) < 0:
            raise ValueError("frames and fps cannot be negative")
        belt = Belt(int(options["seed"]), read_size(options["size"]))
        return BeltSource(belt, int(options["frames"]) or None, float(options["fps"]))
    except ValueError as error:
        raise UsageError(f"{uri}: cannot be read ({error}); write it like belt:?seed=2026&size=360x480") from error


class BeltSource(Stored):
    """See `edgeseg.sources.Source`."""

    def __init__(self, belt: Belt, frames: int | None, pace: float) -> None:
        super().__init__(pace or 30.0, frames)
        self._belt = belt
        self._pace = pace

    def frames(self) -> Iterator[Frame]:
        """Endless, unless a number of frames was asked for."""
        started = time.monotonic()
        index = 0
        while self.total is None or index < self.total:
            if self._pace:
                time.sleep(max(0.0, started + index / self._pace - time.monotonic()))
            picture, _ = self._belt.frame(index)
            yield Frame(picture, f"{index:06d}", time.monotonic())
            index += 1
