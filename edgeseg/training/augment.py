"""Random views of a labelled image: one warp, then light and lens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edgeseg.errors import UsageError
from edgeseg.images import Image, Mask
from edgeseg.labels import IGNORE_ID

Range = tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """How far views may stray; ranges are drawn from uniformly."""

    scale: Range = (0.6, 2.0)
    """Zoom against what the deployed model would see; drawn in logarithm."""
    flip: float = 0.5
    """Probability of a left-right mirror."""
    brightness: float = 0.25
    """Largest change of level, as a fraction of full scale."""
    contrast: Range = (0.7, 1.4)
    saturation: Range = (0.5, 1.5)
    tint: float = 0.06
    """Largest relative gain of one channel against another."""
    blur: float = 0.15
    """Probability of a Gaussian blur of up to 1.2 pixels."""
    gamma: Range = (1.0, 1.0)
    """Exponent of the light; drawn in logarithm."""
    noise: float = 0.0
    """Largest standard deviation of Gaussian noise, as a fraction of full scale."""
    paste: float = 0.0
    """Probability that the rare classes of another image's view are pasted over this one."""

    def __post_init__(self) -> None:
        """Raises UsageError for what no view can be drawn by."""
        for name in ("scale", "contrast", "saturation", "gamma"):
            low, high = getattr(self, name)
            positive = low > 0 or (low == 0 and name == "saturation")  # grey is a saturation
            if not (positive and low <= high < math.inf):
                raise UsageError(f"{name} is from a number above 0 to one that is no smaller, not from {low} to {high}")
        for name in ("flip", "blur", "paste", "brightness", "tint", "noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is from 0 to 1, not {getattr(self, name)}")


NONE = Augmentation((1.0, 1.0), 0.0, 0.0, (1.0, 1.0), (1.0, 1.0), 0.0, 0.0)


def view(
    image: Image,
    mask: Mask,
    size: tuple[int, int],
    mask_size: tuple[int, int],
    rng: np.random.Generator,
    how: Augmentation,
) -> tuple[Image, Mask]:
    """Draw one view of `image` (HxWxC RGB or grey) at `size` and its labels at `mask_size`.

    What lies outside the image is mid-grey and IGNORE_ID.
    """
    zoom = float(np.exp(rng.uniform(*np.log(how.scale))))
    mirrored = rng.random() < how.flip
    shift = rng.uniform(0, 1, 2)
    picture = _warp(image, size, zoom, shift, mirrored, cv2.INTER_LINEAR, 127)
    labels = _warp(mask, mask_size, zoom, shift, mirrored, cv2.INTER_NEAREST, IGNORE_ID)
    picture = picture.reshape(*size, image.shape[2])
    return _relight(picture, rng, how), labels


def _warp(
    source: Image, size: tuple[int, int], zoom: float, shift: np.ndarray, mirrored: bool, method: int, fill: int
) -> Image:
    """Crop a window of 1/zoom of the source, at `shift` (0..1) of the room there is, to `size`."""
    height, width = source.shape[:2]
    step_y, step_x = height / size[0] / zoom, width / size[1] / zoom
    start_y, start_x = shift * (np.array((height, width)) * (1 - 1 / zoom))
    if mirrored:
        start_x, step_x = start_x + step_x * size[1], -step_x
    # Pixel centres: destination i covers i + 0.5, and the source counts from its own 0.5.
    to_source = np.array([[step_x, 0, start_x + step_x / 2 - 0.5], [0, step_y, start_y + step_y / 2 - 0.5]], np.float64)
    border = (fill,) * 4
    out = cv2.warpAffine(
        source,
        to_source,
        (size[1], size[0]),
        flags=method | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
    return np.asarray(out, np.uint8)


def _relight(image: Image, rng: np.random.Generator, how: Augmentation) -> Image:
    channels = image.shape[2]
    level = rng.uniform(-how.brightness, how.brightness) * 255
    gain = rng.uniform(*how.contrast) * (1 + rng.uniform(-how.tint, how.tint, channels))
    saturation = rng.uniform(*how.saturation)
    blurred = rng.random() < how.blur
    sigma = rng.uniform(0.3, 1.2)
    if channels == 3 and saturation != 1:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        image = np.asarray(cv2.addWeighted(image, saturation, grey, 1 - saturation, 0), np.uint8)
    gamma = np.exp(rng.uniform(*np.log(how.gamma)))
    grain = rng.uniform(0, how.noise) * 255
    ramp = 255 * (np.arange(256)[:, None] / 255) ** gamma
    table = np.clip((ramp - 127.5) * gain + 127.5 + level, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table.reshape(1, 256, channels)), np.uint8).reshape(image.shape)
    if blurred:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8).reshape(image.shape)
    if grain:
        noisy = image + grain * rng.standard_normal(image.shape, np.float32)
        image = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return image
