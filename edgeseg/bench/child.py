"""Loops that are measured in a fresh process: `python -m edgeseg.bench.child KIND MODEL THREADS FOLDER FRAMES`.

FOLDER holds the pictures. Prints JSON: `peak_mb`, and the resident memory every hundredth
frame in `mb`.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from edgeseg.bench.memory import MemorySource
from edgeseg.bench.viewer import Viewer
from edgeseg.live.config import LoopConfig
from edgeseg.live.models import open_model
from edgeseg.live.run import run
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.sources import Source, open_source

KINDS = ("mask", "capture", "page")
PAGE = "http://127.0.0.1:0"
EVERY = 100
"""Frames between two looks at the memory."""
FRAMES = "frames.npy"
"""Holds as few frames as can be: they would count as the loop's memory."""
PICTURES = 2
"""In the folder `pictures`, for the fake camera."""


class MemorySink:
    """Keeps an eye on the memory, and ends the loop after so many frames; those that a viewer missed do not count."""

    def __init__(self, frames: int, viewer: Viewer | None) -> None:
        self._left, self._viewer = frames, viewer
        self.mb: list[float] = []

    def write(self, segmented: Segmented) -> None:
        """See `edgeseg.sinks.Sink`."""
        if not self._left or (self._viewer is not None and not self._viewer.watching.is_set()):
            return
        self._left -= 1
        if self._left % EVERY == 0:
            self.mb.append(memory_mb("VmRSS"))
        if not self._left:
            raise EndLoop

    def close(self, complete: bool) -> None:
        """Nothing to finish."""


def memory_mb(field: str) -> float:
    """`VmRSS` or, at its peak, `VmHWM` of this process, in MB of 2**20 bytes, as `top` shows them.

    Not `ru_maxrss`: that one begins with what the process had that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def _source(kind: str, folder: Path) -> Source:
    if kind == "mask":
        return MemorySource(list(np.load(folder / FRAMES)), 10**9)
    return open_source(f"fake:?fps=200&cycle={PICTURES}&play={folder / 'pictures'}")


def main() -> None:
    """Run one loop."""
    kind, model, threads, folder, frames = sys.argv[1:]
    with ExitStack() as leaving:
        viewer = leaving.enter_context(Viewer()) if kind == "page" else None
        sink = MemorySink(int(frames), viewer)
        config = LoopConfig(threads=1 if kind == "mask" else None)
        source, out = _source(kind, Path(folder)), [PAGE] if viewer else []
        run(open_model(model, int(threads)), source, out, config, say=viewer, extra=[sink])
    print(json.dumps({"peak_mb": memory_mb("VmHWM"), "mb": sink.mb}))  # noqa: T201  # to the process that started this


if __name__ == "__main__":
    main()
