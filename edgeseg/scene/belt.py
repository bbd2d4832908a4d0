"""The built-in scene: hardware passing on a conveyor belt, with exact masks.

Every frame is a function of (seed, index, size) alone, so a data set may pick distant
frames, a live source may start anywhere, and two machines see the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import SizeError
from edgeseg.scene.parts import Field, Scratch, Shape, random_shape

LANES = (0.31, 0.69)
"""Heights of the two lanes that parts travel in."""
SLOT = 0.42
"""Length of belt that holds at most one part per lane."""
SPEED = 0.018
"""Belt travel per frame; all three in units of the frame's height."""
RAIL = 0.085
"""Height of the steel rail along either edge."""

_TILE = 768
_TILE_SPAN = 1.6
"""The belt's texture: pixels of the square tile, and the length of belt it covers."""
_SEAM = 0.37
"""Where the belt's ends are vulcanised together, as a fraction of the tile."""
_RUBBER = ((1.02, 1.05, 0.95), (1.12, 1.0, 0.90))
"""BGR factors of the rubber: greenish, bluish."""
_TINTS = ((1.04, 1.0, 0.96), (0.97, 1.0, 1.02), (0.72, 0.93, 1.06), (1.0, 1.0, 1.0))
"""BGR factors of the metal: zinc, nickel, brass, black oxide."""


@dataclass(frozen=True)
class _Placed:
    shape: Shape
    x: float
    y: float
    angle: float
    metal: float
    """Brightness of the bare metal, 0 to 1; scratches use it for how light they are."""
    tint: tuple[float, float, float]
    """BGR factors, one of _TINTS."""


def _noise(rng: np.random.Generator, cells: tuple[int, int], size: int) -> Field:
    """Smooth noise that tiles, zero mean, unit variance, (size, size)."""
    small = rng.standard_normal(cells).astype(np.float32)
    padded = np.pad(small, 2, mode="wrap")
    scale_y, scale_x = size / cells[0], size / cells[1]
    full = (round(padded.shape[1] * scale_x), round(padded.shape[0] * scale_y))
    big = cv2.resize(padded, full, interpolation=cv2.INTER_CUBIC)
    top, left = round(2 * scale_y), round(2 * scale_x)
    tile = big[top : top + size, left : left + size]
    return np.asarray((tile - tile.mean()) / (tile.std() + 1e-6), np.float32)


class Belt:
    """A renderer for one seed and frame size.

    `size` is (height, width) in pixels, at least 32 each. The same seed and index give the
    same frame at any time; another size shows the same belt at another resolution.
    """

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        if min(size) < 32:
            raise SizeError(f"the belt needs at least 32x32 pixels, not {size[0]}x{size[1]}")
        self.seed = seed
        self.size = size
        self._texture = self._make_texture()
        texels = _TILE / _TILE_SPAN / size[0]
        if texels > 1:  # soften the weave where it would alias
            self._texture = np.asarray(cv2.GaussianBlur(self._texture, (0, 0), 0.4 * texels), np.float32)
        rng = np.random.default_rng((seed, 3))
        height, width = size
        self._grain = rng.standard_normal((height + 64, width + 64, 3)).astype(np.float32)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x, self._y = (x + 0.5) / height, (y + 0.5) / height
        self._rails, self._rail_alpha = self._make_rails(rng)

    def frame(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Render frame `index`: (BGR uint8 HxWx3, mask uint8 HxW of class ids)."""
        travel = index * SPEED
        rng = np.random.default_rng((self.seed, 4, index))
        light = self._light(index)
        picture = self._background(travel)
        mask = np.zeros(self.size, np.uint8)
        for placed in self._visible(travel):
            self._draw(picture, mask, placed, travel, light)
        picture += (self._rails - picture) * self._rail_alpha
        picture *= self._illumination(index, light)[:, :, None]
        shot = self._camera(picture, rng, index)
        mask[self._rail_alpha[:, :, 0] > 0.5] = 0
        return shot, mask

    # ---- what lies where ----

    def _slot(self, slot: int) -> list[_Placed]:
        rng = np.random.default_rng((self.seed, 1, slot + 2**31))
        placed = []
        for lane in LANES:
            if rng.random() > 0.78:
                continue
            shape = random_shape(rng)
            room = max(0.0, SLOT / 2 - shape.reach)
            x = (slot + 0.5) * SLOT + float(rng.uniform(-room, room))
            y = lane + float(rng.uniform(-0.035, 0.035))
            tint = _TINTS[int(rng.integers(len(_TINTS)))]
            placed.append(_Placed(shape, x, y, float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.5, 0.85)), tint))
        return placed

    def _visible(self, travel: float) -> list[_Placed]:
        width = self.size[1] / self.size[0]
        first, last = int(np.floor((travel - 0.4) / SLOT)), int(np.ceil((travel + width + 0.4) / SLOT))
        return [part for slot in range(first, last + 1) for part in self._slot(slot)]

    # ---- surfaces ----

    def _make_texture(self) -> Field:
        """The rubber, (_TILE, _TILE, 3) BGR 0..1: weave, wear along the travel, stains, a seam."""
        rng = np.random.default_rng((self.seed, 2))
        y, x = np.mgrid[0:_TILE, 0:_TILE].astype(np.float32) * np.float32(2 * np.pi / _TILE)
        weave = np.sin(x * 96) * np.sin(y * 96) + 0.5 * np.sin((x + y) * 48)
        wear = _noise(rng, (96, 4), _TILE)
        blotch = _noise(rng, (7, 7), _TILE) + 0.5 * _noise(rng, (24, 24), _TILE)
        grit = _noise(rng, (_TILE // 2, _TILE // 2), _TILE)
        level = 0.235 + 0.011 * weave + 0.014 * wear + 0.022 * blotch + 0.013 * grit
        stain = np.clip(_noise(rng, (6, 6), _TILE) - 1.4, 0, 1.2)
        level = level * (1 - 0.30 * stain)
        from_seam = np.abs(np.arange(_TILE) / _TILE - _SEAM)
        level = level * (1 - 0.35 * np.exp(-((from_seam / 0.003) ** 2)))
        level = level + 0.04 * np.exp(-(((from_seam - 0.006) / 0.003) ** 2))
        hue = np.array(_RUBBER[int(rng.integers(len(_RUBBER)))])
        return np.asarray(np.clip(level[:, :, None] * hue, 0.02, 1), np.float32)

    def _background(self, travel: float) -> Field:
        height, width = self.size
        scale = _TILE / _TILE_SPAN / height
        shift = (travel / _TILE_SPAN * _TILE) % _TILE
        to_tile = np.array([[scale, 0, shift + scale / 2], [0, scale, scale / 2]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out = cv2.warpAffine(self._texture, to_tile, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)
        return np.asarray(out, np.float32)

    def _make_rails(self, rng: np.random.Generator) -> tuple[Field, Field]:
        """Brushed steel along both edges with a row of screws; colour and alpha, HxWx3 and HxWx1."""
        height, width = self.size
        edge = np.minimum(self._y, 1 - self._y)
        brushed = cv2.GaussianBlur(self._grain[:height, :width, 0], (0, 0), sigmaX=max(1.0, height / 20), sigmaY=0.4)
        level = 0.50 + 0.6 * brushed + 0.22 * np.cos((edge / RAIL - 0.35) * 3.0)
        screw = np.hypot((self._x + 0.1) % 0.5 - 0.25, edge - RAIL * 0.45)
        level = np.where(screw < 0.020, 0.42 + 5.0 * (0.020 - screw), level)
        level = np.where(np.abs(screw - 0.021) < 0.003, 0.2, level)
        lip = np.exp(-(((edge - RAIL) / 0.012) ** 2))
        level = level * (1 - 0.7 * lip)
        alpha = np.clip((RAIL - edge) * height + 0.5, 0, 1)
        color = np.clip(level, 0.05, 1)[:, :, None] * np.array((1.0, 0.99, 0.96), np.float32)
        return color.astype(np.float32), alpha[:, :, None].astype(np.float32)

    # ---- light and parts ----

    def _light(self, index: int) -> tuple[float, float]:
        """Direction of the lamp in the picture plane (dx, dy), unit length; it swings slowly."""
        phase = np.random.default_rng((self.seed, 5)).uniform(0, 2 * np.pi)
        angle = phase + 0.6 * np.sin(index * 0.011 + phase)
        return float(np.cos(angle)), float(np.sin(angle))

    def _illumination(self, index: int, light: tuple[float, float]) -> Field:
        """Factor per pixel: exposure drift, mains flicker, a pool of light that wanders, a passing shade."""
        width = self.size[1] / self.size[0]
        a, b, c = np.random.default_rng((self.seed, 6)).uniform(0, 2 * np.pi, 3)
        exposure = 1.0 + 0.28 * np.sin(index * 0.021 + a) + 0.03 * np.sin(index * 1.9 + b)
        pool_x = width * (0.5 - 0.35 * light[0] + 0.1 * np.sin(index * 0.013 + c))
        pool_y = 0.5 - 0.35 * light[1]
        far = ((self._x - pool_x) / (0.75 * max(width, 1))) ** 2 + ((self._y - pool_y) / 0.8) ** 2
        shade_x = (index * 0.017 + a) % (width * 6)
        shade = 1 - 0.3 * np.exp(-(((self._x - shade_x) / 0.25) ** 2))
        return np.asarray(exposure * (0.72 + 0.55 * np.exp(-far)) * shade, np.float32)

    def _draw(
        self,
        picture: Field,
        mask: NDArray[np.uint8],
        placed: _Placed,
        travel: float,
        light: tuple[float, float],
    ) -> None:
        height, width = self.size
        shape, reach = placed.shape, placed.shape.reach + 0.06
        center_x, center_y = placed.x - travel, placed.y
        left, right = max(0, int((center_x - reach) * height)), min(width, int((center_x + reach) * height) + 2)
        top, bottom = max(0, int((center_y - reach) * height)), min(height, int((center_y + reach) * height) + 2)
        if left >= right or top >= bottom:
            return
        right, bottom = max(right, 2), max(bottom, 2)  # a slope needs two samples
        left, top = min(left, right - 2), min(top, bottom - 2)
        x, y = self._x[top:bottom, left:right] - center_x, self._y[top:bottom, left:right] - center_y
        cos, sin = np.float32(np.cos(placed.angle)), np.float32(np.sin(placed.angle))
        own_x, own_y = x * cos + y * sin, y * cos - x * sin
        distance = shape.distance(own_x, own_y)
        alpha = np.clip(0.5 - distance * height, 0, 1)[:, :, None]
        window = picture[top:bottom, left:right]
        surface = shape.height(own_x, own_y, distance)
        slope_y, slope_x = np.gradient(surface, 1 / height)
        facing = np.clip(-(slope_x * light[0] + slope_y * light[1]), -1.2, 1.2)
        if isinstance(shape, Scratch):
            torn = 0.13 * self._grain[top:bottom, left:right, 1]
            level = 0.18 + placed.metal * 0.45 + 0.10 * facing + torn * 0.35
            window += (level[:, :, None] - window) * (alpha * 0.9)
        else:
            offset_x, offset_y = 0.022 * light[0], 0.022 * light[1]
            dx, dy = x - offset_x, y - offset_y
            cast = shape.distance(dx * cos + dy * sin, dy * cos - dx * sin)
            shadow = np.clip(0.55 - cast / 0.035, 0, 1)[:, :, None]
            window *= 1 - 0.55 * shadow
            brushed = 0.025 * self._grain[top:bottom, left:right, 0]
            gloss = np.clip(0.62 + 0.5 * (x * -light[0] + y * -light[1]) / shape.reach, 0, 1) ** 6
            level = placed.metal * (0.72 + 0.33 * facing) + 0.30 * gloss + brushed
            metal = np.clip(level, 0.06, 1.15)[:, :, None] * np.array(placed.tint, np.float32)
            window += (metal - window) * alpha
        mask[top:bottom, left:right][distance < 0] = shape.class_id

    def _camera(self, picture: Field, rng: np.random.Generator, index: int) -> NDArray[np.uint8]:
        """Lens blur, motion blur along the travel, sensor noise that grows with the light."""
        height, width = self.size
        focus = 0.0012 * height * (1.0 + 0.8 * np.sin(index * 0.017 + self.seed))
        motion = max(1, round(SPEED * height * 0.35))
        if focus > 0.25:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), focus), np.float32)
        if motion > 1:
            picture = np.asarray(cv2.blur(picture, (motion | 1, 1)), np.float32)
        top, left = (int(value) for value in rng.integers(0, 64, 2))
        grain = self._grain[top : top + height, left : left + width]
        picture = picture + grain * (0.008 + 0.012 * picture)
        return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)
