"""The built-in scene as a data set on disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from edgeseg.errors import OutputError
from edgeseg.files import write_bytes
from edgeseg.images import Image, Mask
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES, COLORS

SPLIT_SEEDS = {"train": 0, "val": 1, "test": 2}
"""Added to the set's seed times 1000: no split ever sees another one's belt."""
BELTS = 8
"""Belts (textures, lamps, parts) that a split is drawn from."""
STRIDE = 37
"""Frames between two images of one belt: about two thirds of a screen further."""


def write_belt(
    root: Path,
    counts: dict[str, int],
    size: tuple[int, int],
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Render `counts` images for each split into `root` with masks and `labelmap.txt`.

    The folder appears whole or not at all. Raises OutputError where `root` exists with
    something in it, or cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise OutputError(f"{root}: is there already; choose a new folder")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise OutputError(f"{root}: cannot be written ({error.strerror}); choose another place") from error
    try:
        done, total = 0, sum(counts.values())
        for split, count in counts.items():
            for name, frame, mask in _draw(split, count, size, seed):
                for kind, picture in (("images", frame), ("masks", mask)):
                    ok, data = cv2.imencode(".png", picture)
                    assert ok  # PNG takes any uint8 picture
                    write_bytes(staging / split / kind / f"{name}.png", data.tobytes())
                done += 1
                if on_progress:
                    on_progress(done, total)
        lines = [f"{name}:{r},{g},{b}::" for name, (r, g, b) in zip(CLASSES, COLORS, strict=True)]
        text = "# label:color_rgb:parts:actions\n" + "\n".join(lines) + "\n"
        write_bytes(staging / "labelmap.txt", text.encode())
        staging.chmod(0o755)
        if root.is_dir():
            root.rmdir()
        staging.rename(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _draw(split: str, count: int, size: tuple[int, int], seed: int) -> Iterator[tuple[str, Image, Mask]]:
    for belt_number in range(BELTS):
        belt = Belt(seed * 1000 + SPLIT_SEEDS[split] * 100 + belt_number, size)
        for index in range(belt_number, count, BELTS):
            frame, mask = belt.frame(index // BELTS * STRIDE + belt_number * 11)
            yield f"{index:05d}", frame, mask
