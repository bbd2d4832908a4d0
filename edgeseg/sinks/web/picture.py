"""What viewers see of a frame, encoded once for all of them, and only when one asks."""

from __future__ import annotations

import time
from functools import cached_property

from edgeseg.images import Image, encode_jpeg, encode_png, resize_mask
from edgeseg.labels import Labels
from edgeseg.overlay import Overlay
from edgeseg.sinks.sink import Segmented
from edgeseg.sinks.web.banner import span, stale_picture
from edgeseg.sinks.web.jpeg import complete_jpeg
from edgeseg.sinks.web.wire import pack

QUALITY = 80
"""Of the JPEGs that viewers get, 0 to 100."""


class Encoder:
    """Turns frames into pictures, and counts what that took. One thread uses it."""

    def __init__(self, labels: Labels) -> None:
        self.overlay = Overlay(labels)
        self.encoded = 0
        """Pictures, overlays, masks and messages made so far."""
        self._newest: Picture | None = None

    def picture(self, segmented: Segmented) -> Picture:
        """The same Picture for the same frame, until another one is asked for."""
        if self._newest is None or self._newest.segmented is not segmented:
            self._newest = Picture(segmented, self)
        return self._newest

    def forget(self) -> None:
        """Free the last picture."""
        self._newest = None


class Picture:
    """A frame in the forms that a viewer can ask for. All raise DataError where its JPEG is damaged."""

    def __init__(self, segmented: Segmented, encoder: Encoder) -> None:
        self.segmented = segmented
        self._encoder = encoder
        self._stale = ("", b"")

    @cached_property
    def jpeg(self) -> bytes:
        """The picture alone; the camera's own bytes where it sent JPEG."""
        frame = self.segmented.frame
        if frame.jpeg is not None:
            return complete_jpeg(frame.jpeg)
        self._encoder.encoded += 1
        return encode_jpeg(frame.image, QUALITY)

    @cached_property
    def overlay(self) -> bytes:
        """The picture with the classes' colours and a legend, as JPEG."""
        self._encoder.encoded += 1
        return encode_jpeg(self._overlaid(), QUALITY)

    def stale(self, idle_s: float) -> bytes:
        """The same in grey, with how old it is written over it; encoded once a second at most."""
        text = f"STALE {span(idle_s)}"
        if self._stale[0] != text:
            self._encoder.encoded += 1
            self._stale = text, encode_jpeg(stale_picture(self._overlaid(), text), QUALITY)
        return self._stale[1]

    @cached_property
    def message(self) -> bytes:
        """Picture and label map for the page."""
        self._encoder.encoded += 1
        segmented = self.segmented
        age_ms = 1000 * (time.monotonic() - segmented.frame.captured)
        return pack(self.jpeg, segmented.label_map, segmented.index, age_ms)

    @property
    def mask(self) -> bytes:
        """Class ids at the frame's size as one-channel PNG."""
        self._encoder.encoded += 1
        height, width = self.segmented.frame.image.shape[:2]
        return encode_png(resize_mask(self.segmented.label_map, (height, width)))

    def _overlaid(self) -> Image:
        return self._encoder.overlay(self.segmented.frame.image, self.segmented.label_map)
