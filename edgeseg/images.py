"""The one preprocessing, for training and for the board, and image files.

An image is RGB uint8 HxWx3, or HxWx1 for a one-channel model; a frame is BGR uint8 HxWx3
as cv2 gives it; a size is (height, width).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import DataError

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def read_frame(path: Path) -> Image:
    """Read an image file as BGR uint8 HxWx3; grey files are repeated over the three channels.

    Raises DataError where the file is missing, cut short or no image.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        frame = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # a size beyond all bounds
        frame = None
    if frame is None:
        raise DataError(f"{path}: is not a readable image; export it again as JPEG or PNG")
    return np.asarray(frame, np.uint8)


def encode_jpeg(image: Image, quality: int) -> bytes:
    """BGR uint8 HxWx3 as JPEG; `quality` is 0 to 100."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def encode_png(image: Image | Mask, compression: int | None = None) -> bytes:
    """BGR uint8 HxWx3, or class ids HxW, as PNG; `compression` is 0 (none) to 9 (slow), or what cv2 thinks best."""
    options = [] if compression is None else [cv2.IMWRITE_PNG_COMPRESSION, compression]
    return cv2.imencode(".png", image, options)[1].tobytes()


def to_channels(frame: Image, channels: int) -> Image:
    """BGR frame to what a model of `channels` (3 RGB or 1 grey) sees, HxWxchannels uint8."""
    if channels == 1:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)[:, :, None]
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Stretch to `size`; area averaging from a factor of two down, else bilinear.

    Keeps the channel axis. Returns `image` itself where the size already fits.
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    shrink = min(height / size[0], width / size[1])
    method = cv2.INTER_AREA if shrink >= 2 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=method), np.uint8)
    return resized.reshape(size[0], size[1], image.shape[2])


def preprocess(frame: Image, size: tuple[int, int], channels: int) -> Image:
    """BGR frame of any size to a model's input, `size` x `channels` uint8 in [0, 255]."""
    small = resize(frame, size)  # first, so that the colour change touches fewer pixels
    return to_channels(small, channels)


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Class ids to another size by nearest neighbour with pixel centres aligned."""
    if mask.shape == size:
        return mask
    return np.asarray(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
