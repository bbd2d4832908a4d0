"""Shapes that lie on the belt, as signed distance fields.

A shape is a function of a point grid in its own frame, so one evaluation gives the exact
mask (distance below zero), an antialiased edge and the bevel that catches the light.
Lengths are in units of the frame's height. Distances after Inigo Quilez,
"2D distance functions" (iquilezles.org/articles/distfunctions2d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

CLASSES = ("belt", "washer", "nut", "bolt", "scratch")
COLORS = ((0, 0, 0), (66, 165, 245), (255, 167, 38), (102, 187, 106), (236, 64, 122))


class Shape(Protocol):
    """Something that can lie on the belt."""

    @property
    def class_id(self) -> int:
        """Position in CLASSES."""

    @property
    def reach(self) -> float:
        """Radius of a circle around the origin that holds the whole shape."""

    def distance(self, x: Field, y: Field) -> Field:
        """Signed distance of each point to the outline, negative inside."""

    def height(self, x: Field, y: Field, distance: Field) -> Field:
        """Height of the surface above the belt, for shading; any scale."""


def _hexagon(x: Field, y: Field, inradius: float) -> Field:
    """Largest of the distances to the six sides: exact inside, and a bound outside."""
    a, b = np.abs(x), np.abs(y)
    return np.maximum(0.8660254 * a + 0.5 * b, b) - np.float32(inradius)


def _box(x: Field, y: Field, half_x: float, half_y: float, corner: float) -> Field:
    dx, dy = np.abs(x) - (half_x - corner), np.abs(y) - (half_y - corner)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(corner)


def _bevel(distance: Field, width: float) -> Field:
    """A rim that rises over `width` from the outline and is flat further in."""
    return np.clip(-distance, 0, width).astype(np.float32)


@dataclass(frozen=True)
class Washer:
    """A ring with a rounded rim."""

    outer: float
    hole: float
    class_id: int = 1

    @property
    def reach(self) -> float:
        return self.outer

    def distance(self, x: Field, y: Field) -> Field:
        middle, half = (self.outer + self.hole) / 2, (self.outer - self.hole) / 2
        return np.abs(np.hypot(x, y) - np.float32(middle)) - np.float32(half)

    def height(self, x: Field, y: Field, distance: Field) -> Field:
        return _bevel(distance, 0.010)


@dataclass(frozen=True)
class Nut:
    """A hexagon with a threaded hole and chamfered corners."""

    inradius: float
    hole: float
    class_id: int = 2

    @property
    def reach(self) -> float:
        return self.inradius * 1.1548

    def distance(self, x: Field, y: Field) -> Field:
        return np.maximum(_hexagon(x, y, self.inradius), np.float32(self.hole) - np.hypot(x, y))

    def height(self, x: Field, y: Field, distance: Field) -> Field:
        radius = np.hypot(x, y)
        chamfer = np.clip(self.inradius * 1.02 - radius, -0.02, 0) * 0.8
        thread = 0.004 * np.sin((radius - self.hole) * 900) * (radius < self.hole + 0.012)
        return (_bevel(distance, 0.018) + chamfer + thread).astype(np.float32)


@dataclass(frozen=True)
class Bolt:
    """A hexagon bolt on its side: the head along +x, the thread along -x."""

    length: float
    shank: float
    """Half the thickness of the threaded shank."""
    head: float
    """Half the width of the head."""
    class_id: int = 3

    @property
    def reach(self) -> float:
        return self.length / 2 + self.head

    def distance(self, x: Field, y: Field) -> Field:
        ridge = 0.0025 * np.sin(x * 300)
        shank = _box(x + 0.02, y, self.length / 2, self.shank, 0.008) + ridge * (np.abs(y) > 0.5 * self.shank)
        head = _box(x - self.length / 2, y, self.head * 0.42, self.head, 0.012)
        return np.minimum(shank, head).astype(np.float32)

    def height(self, x: Field, y: Field, distance: Field) -> Field:
        on_head = np.abs(x - self.length / 2) < self.head * 0.42
        round_shank = np.sqrt(np.clip(1 - (y / self.shank) ** 2, 0, 1)) * self.shank
        thread = 0.003 * np.sin(x * 300 + y * 60)
        flats = 0.5 * self.head - 0.25 * np.abs(np.abs(y) - self.head * 0.5) + _bevel(distance, 0.012)
        return np.where(on_head, flats, round_shank * 0.7 + thread).astype(np.float32)


@dataclass(frozen=True)
class Scratch:
    """A tear in the rubber: a bent stroke that tapers."""

    length: float
    width: float
    """Half the width at the middle; the ends taper."""
    bend: float
    wobble: float
    class_id: int = 4

    @property
    def reach(self) -> float:
        return self.length / 2 + abs(self.bend) + self.width

    def distance(self, x: Field, y: Field) -> Field:
        t = np.clip(x / (self.length / 2), -1, 1)
        spine = self.bend * (t * t - 0.4) + 0.006 * np.sin(self.wobble + t * 7)
        half = self.width * (1 - 0.6 * t**4) * (0.92 + 0.08 * np.sin(3 * self.wobble + t * 23))
        past_end = np.maximum(np.abs(x) - self.length / 2, 0)
        slope = 2 * self.bend * t / (self.length / 2)
        return np.asarray(np.hypot(past_end, (y - spine) / np.sqrt(1 + slope**2)) - half, np.float32)

    def height(self, x: Field, y: Field, distance: Field) -> Field:
        return -_bevel(distance, 0.02)


def random_shape(rng: np.random.Generator) -> Shape:
    """Draw one part; the sizes spread by about a quarter around those of M8 hardware."""
    kind = rng.choice(4, p=(0.27, 0.25, 0.25, 0.23))
    scale = float(rng.uniform(0.85, 1.15))
    if kind == 0:
        outer = 0.125 * scale
        return Washer(outer, outer * float(rng.uniform(0.42, 0.56)))
    if kind == 1:
        inradius = 0.105 * scale
        return Nut(inradius, inradius * float(rng.uniform(0.46, 0.58)))
    if kind == 2:
        return Bolt(float(rng.uniform(0.24, 0.34)) * scale, 0.042 * scale, 0.085 * scale)
    bend = float(rng.uniform(-0.07, 0.07))
    return Scratch(float(rng.uniform(0.26, 0.40)), float(rng.uniform(0.022, 0.034)), bend, float(rng.uniform(0, 6)))
