"""Class names, colours and the ids that do not count."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import DataError

IGNORED_NAMES = frozenset({"void", "ignore", "unlabelled"})
IGNORE_ID = 255
"""Never a class: what a mask holds where nobody knows."""

Color = tuple[int, int, int]


def default_color(class_id: int) -> Color:
    """A colour (RGB, 0..255) for a class without one; neighbours differ by the golden angle in hue."""
    if class_id == 0:
        return (0, 0, 0)
    red, green, blue = colorsys.hsv_to_rgb((class_id * 0.618034) % 1.0, 0.70, 0.95)
    return (round(red * 255), round(green * 255), round(blue * 255))


@dataclass(frozen=True)
class Labels:
    """The classes of a data set or a model; a class id is a position in `names`."""

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    """RGB, one for each name."""
    ignore: frozenset[int] = frozenset({IGNORE_ID})
    """Ids left out of loss and metrics."""

    @classmethod
    def from_names(cls, names: Iterable[str], colors: Iterable[Color] | None = None) -> Labels:
        """Labels from names in id order; `void`, `ignore` and `unlabelled` are left out of the count."""
        names = tuple(names)
        colors = tuple(colors) if colors is not None else tuple(default_color(i) for i in range(len(names)))
        void = {i for i, name in enumerate(names) if name.lower() in IGNORED_NAMES}
        return cls(names, colors, frozenset({IGNORE_ID} | void))

    @classmethod
    def numbered(cls, count: int) -> Labels:
        """Labels for `count` classes that nobody named."""
        return cls.from_names(f"class{i}" for i in range(count))

    @property
    def num_classes(self) -> int:
        """Channels that a network needs: one more than the largest id that counts."""
        return max((i for i in range(len(self.names)) if i not in self.ignore), default=-1) + 1

    @property
    def counted(self) -> tuple[int, ...]:
        """Ids that loss and metrics count, ascending."""
        return tuple(i for i in range(self.num_classes) if i not in self.ignore)

    def name(self, class_id: int) -> str:
        """Of any id; one without a name is 'class7'."""
        return self.names[class_id] if class_id < len(self.names) else f"class{class_id}"

    def also_ignoring(self, ids: Iterable[int]) -> Labels:
        """The same labels with more ids left out."""
        return replace(self, ignore=self.ignore | frozenset(ids))

    def palette(self) -> NDArray[np.uint8]:
        """Colour of each possible id, (256, 3) uint8 RGB; unnamed and ignored ids are black."""
        table = np.zeros((256, 3), np.uint8)
        for class_id, color in enumerate(self.colors):
            if class_id not in self.ignore:
                table[class_id] = color
        return table

    def to_json(self) -> dict[str, Any]:
        """A mapping that `from_json` reads back."""
        return {
            "names": list(self.names),
            "colors": [list(color) for color in self.colors],
            "ignore": sorted(self.ignore),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Labels:
        """Raises KeyError, TypeError or ValueError where `data` did not come from `to_json`."""
        colors = tuple((int(red), int(green), int(blue)) for red, green, blue in data["colors"])
        names = tuple(map(str, data["names"]))
        if len(colors) != len(names):
            raise ValueError(f"{len(names)} names, {len(colors)} colours")
        return cls(names, colors, frozenset(map(int, data["ignore"])))


def read_labels(path: Path) -> Labels:
    """Read `labels.txt` (a name a line) or CVAT's `labelmap.txt` (`name:r,g,b:parts:actions`).

    Raises DataError with the line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}); write one class name a line") from error
    names: list[str] = []
    colors: list[Color] = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fields = line.split(":") if path.name == "labelmap.txt" else [line]
        colors.append(_color(fields, len(names), f"{path}:{number}"))
        names.append(fields[0].strip())
    if not names:
        raise DataError(f"{path}: holds no class name; write one a line, the first is id 0")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: the name '{twice}' stands twice; give each id a name of its own")
    if len(names) > IGNORE_ID:
        raise DataError(f"{path}: holds {len(names)} classes; an 8-bit mask has room for {IGNORE_ID}")
    return Labels.from_names(names, colors)


def _color(fields: list[str], class_id: int, where: str) -> Color:
    if len(fields) < 2 or not fields[1].strip():
        return default_color(class_id)
    parts = fields[1].split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) < 256 for part in parts):
        raise DataError(f"{where}: '{fields[1]}' is no colour; write it as red,green,blue from 0 to 255")
    return (int(parts[0]), int(parts[1]), int(parts[2]))
