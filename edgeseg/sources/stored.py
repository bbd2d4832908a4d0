"""What all sources share that wait for whoever takes from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeseg.sources.frame import Frame


class Stored:
    """The fields of `edgeseg.sources.Source` for files and what is as patient; `frames` is left to each."""

    live = False
    state = ""

    def __init__(self, fps: float, total: int | None, notes: Sequence[str] = ()) -> None:
        self.fps = fps
        self.total = total
        self.dropped = 0
        self.prepare: Callable[[Frame], None] | None = None
        self.notes = list(notes)

    def close(self) -> None:
        """Nothing to free."""
