"""Somebody who watches, at a pace of their own."""

from __future__ import annotations

import asyncio


class Viewer:
    """Holds at most one picture and one text that wait to be sent; newer ones take their place."""

    def __init__(self, overlay: bool, ahead: int) -> None:
        self.overlay = overlay
        """Wants pictures with the mask in them, and no figures; else messages for the page."""
        self.offered: tuple[int, int] | None = None
        """Index of the last picture offered, and for how many whole seconds it was stale."""
        self._ahead = ahead
        self._unseen = 0
        self._picture: bytes | None = None
        self._figures: str | None = None
        self._news = asyncio.Event()
        self._ended = False

    @property
    def ready(self) -> bool:
        """Fewer than `ahead` pictures are on their way and unanswered."""
        return self._unseen < self._ahead

    def offer(self, picture: bytes, what: tuple[int, int]) -> None:
        """Give a ready viewer its next picture; `what` as in `offered`."""
        self._unseen += 1
        self._picture, self.offered = picture, what
        self._news.set()

    def tell(self, figures: str) -> None:
        """Give the page its figures."""
        self._figures = figures
        self._news.set()

    def seen(self) -> None:
        """A picture has arrived."""
        self._unseen = max(0, self._unseen - 1)

    def end(self) -> None:
        """Nothing more will be sent."""
        self._ended = True
        self._news.set()

    async def next(self) -> str | bytes | None:
        """What to send next, as soon as there is something; None when it is over."""
        while not self._ended:
            if self._figures is not None:
                figures, self._figures = self._figures, None
                return figures
            if self._picture is not None:
                picture, self._picture = self._picture, None
                return picture
            self._news.clear()
            await self._news.wait()
        return None
