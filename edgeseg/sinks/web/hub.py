"""Takes the newest frame to everybody who watches; each picture is encoded once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from edgeseg.errors import DataError
from edgeseg.sinks.web.picture import Encoder
from edgeseg.sinks.web.slot import Slot
from edgeseg.sinks.web.status import Status
from edgeseg.sinks.web.viewer import Viewer

FIGURES_S = 0.5
"""From figures to figures."""
REST = 2
"""Times as long as the encoding took: however large the pictures, two thirds of a core stay free of them."""


class Hub:
    """Lives in the page's thread. With no viewer its tasks sleep, and nothing is encoded."""

    def __init__(self, slot: Slot, encoder: Encoder, status: Status, fps: float) -> None:
        self.viewers: set[Viewer] = set()
        self._slot, self._encoder, self._status = slot, encoder, status
        self._period_s = 1 / fps
        self._changed = asyncio.Event()
        self._watched = asyncio.Event()

    @contextmanager
    def watching(self, viewer: Viewer) -> Iterator[Viewer]:
        """Have `viewer` served inside the block."""
        self.viewers.add(viewer)
        self._watched.set()
        self.poke()
        try:
            yield viewer
        finally:
            self.viewers.discard(viewer)
            if not self.viewers:
                self._watched.clear()
                self._slot.wanted = False
                self._encoder.forget()

    def poke(self) -> None:
        """A frame came, or a viewer is ready for one."""
        self._changed.set()

    def figures(self) -> str:
        """A message for the page."""
        return json.dumps({"kind": "figures"} | self._status.figures(len(self.viewers)))

    def end(self) -> None:
        """Send everybody home."""
        for viewer in self.viewers:
            viewer.end()

    async def show_pictures(self) -> None:
        """Offer the newest frame to the viewers that are ready for it, for ever."""
        clock = asyncio.get_running_loop().time
        while True:
            self._changed.clear()
            began = clock()
            if self._offer_newest():
                took = clock() - began
                await asyncio.sleep(max(self._period_s - took, REST * took))
            else:
                await self._changed.wait()

    async def show_figures(self) -> None:
        """Tell each page the figures twice a second, whether frames come or not, for ever."""
        while True:
            await self._watched.wait()
            figures = self.figures()
            for viewer in self.viewers:
                if not viewer.overlay:
                    viewer.tell(figures)
            self.poke()  # the newest frame may have become stale
            await asyncio.sleep(FIGURES_S)

    def _offer_newest(self) -> bool:
        """False where there is nothing to do until somebody pokes."""
        ready = [viewer for viewer in self.viewers if viewer.ready]
        if ready:
            self._slot.wanted = True  # before the look: a frame that comes right after it pokes
        newest = self._slot.newest
        if newest is None or not ready:
            return False
        stale_s = self._status.stale_s or 0.0
        due = [(viewer, _what(viewer, newest.index, stale_s)) for viewer in ready]
        due = [(viewer, what) for viewer, what in due if viewer.offered != what]
        if not due:
            return False
        picture = self._encoder.picture(newest)
        for viewer, what in due:
            try:
                if not viewer.overlay:
                    viewer.offer(picture.message, what)
                else:
                    viewer.offer(picture.stale(stale_s) if stale_s else picture.overlay, what)
            except DataError:  # a damaged JPEG; the next frame may be whole
                viewer.offered = what
        return True


def _what(viewer: Viewer, index: int, stale_s: float) -> tuple[int, int]:
    """A page gets each frame once, and sees itself when it is stale; a stream gets a stale one anew each second."""
    return index, int(stale_s) if viewer.overlay else 0
