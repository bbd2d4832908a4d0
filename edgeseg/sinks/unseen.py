"""A window that nobody sees: what `edgeseg.sinks.window` needs of cv2, for machines without a screen."""

from __future__ import annotations

import cv2

from edgeseg.images import Image

NO_KEY = -1


class Unseen:
    """Notes what it is asked for; `key` and `visible` are what a user does."""

    def __init__(self) -> None:
        self.key = NO_KEY
        self.visible = True
        self.shown: Image | None = None
        """The newest picture."""
        self.titles: list[str] = []
        """One after the other; the first is the window's name."""
        self.open = False

    def namedWindow(self, name: str, flags: int) -> None:  # noqa: D102, N802  # the names are cv2's
        self.titles.append(name)
        self.open = True

    def setWindowTitle(self, name: str, title: str) -> None:  # noqa: D102, N802
        self._check()
        self.titles.append(title)

    def imshow(self, name: str, picture: Image) -> None:  # noqa: D102
        self._check()
        self.shown = picture

    def waitKey(self, delay_ms: int) -> int:  # noqa: D102, N802
        return self.key

    def getWindowProperty(self, name: str, what: int) -> float:  # noqa: D102, N802
        return float(self.visible)

    def destroyAllWindows(self) -> None:  # noqa: D102, N802
        self.open = False

    def _check(self) -> None:
        """As Qt does it. Raises cv2.error where there is no window any more."""
        if not (self.open and self.visible):
            raise cv2.error("no such window")
