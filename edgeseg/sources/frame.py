"""One frame on its way through the loop."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from edgeseg.errors import DataError, UsageError
from edgeseg.images import Image

JPEG_END = b"\xff\xd9"


class Frame:
    """A picture and where it came from; a JPEG is decoded when, and only if, somebody looks at it."""

    __slots__ = ("_image", "captured", "jpeg", "name", "prepared")

    def __init__(self, image: Image | None, name: str, captured: float, jpeg: bytes | None = None) -> None:
        self._image = image
        self.name = name
        """Without suffix: the file's own for a folder, else the frame's number."""
        self.captured = captured
        """`time.monotonic()` when it left the camera or file, in seconds."""
        self.jpeg = jpeg
        """The picture as the camera sent it, where it sent JPEG; `image` may then be None at first."""
        self.prepared: Image | None = None
        """What a model sees of it, where somebody had the time to make that: RGB or grey, uint8."""

    @property
    def image(self) -> Image:
        """BGR uint8 HxWx3. Raises DataError where the JPEG is cut short or damaged."""
        if self._image is None:
            self._image = decode_jpeg(self.jpeg or b"")
        return self._image

    def cropped(self, roi: tuple[int, int, int, int]) -> Frame:
        """The part (x, y, width, height) in pixels; raises UsageError where it lies outside the picture."""
        x, y, width, height = roi
        rows, columns = self.image.shape[:2]
        if x + width > columns or y + height > rows:
            raise UsageError(f"the part {x},{y},{width},{height} lies outside a frame of {columns}x{rows} pixels")
        return Frame(np.ascontiguousarray(self.image[y : y + height, x : x + width]), self.name, self.captured)


def decode_jpeg(data: bytes) -> Image:
    """BGR uint8 HxWx3; raises DataError for what is no whole JPEG, which a decoder would fill with grey."""
    whole = data.rstrip(b"\0").endswith(JPEG_END)  # some cameras pad their pictures
    image = _decoded(data) if whole else None
    if image is None:
        raise DataError("a frame is no whole JPEG")
    return np.asarray(image, np.uint8)


def _decoded(data: bytes) -> Any:
    import simplejpeg  # here, since a loop over a folder's pictures does without

    try:
        # The same pixels as OpenCV's, a sixth sooner. Not strict: cameras leave bytes over that hurt nothing.
        return simplejpeg.decode_jpeg(data, "BGR", strict=False)
    except ValueError:  # rare kinds, as with four colours
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
