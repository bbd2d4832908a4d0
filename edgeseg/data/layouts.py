"""Where images and masks lie: each layout maps split names to a pair of folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

SPLITS = ("train", "val", "test")
UNSPLIT = "all"
"""The one split of a set that is not divided; `edgeseg.data.dataset` divides it."""

Folders = dict[str, tuple[Path, Path]]


def pairs(root: Path) -> Folders:
    """`images/` beside `masks/`: in the root, in each split's folder, or with the splits inside."""
    inside = {s: (root / s / "images", root / s / "masks") for s in SPLITS}
    outside = {s: (root / "images" / s, root / "masks" / s) for s in SPLITS}
    for candidate in (inside, outside):
        found = {split: folders for split, folders in candidate.items() if folders[0].is_dir()}
        if found:
            return found
    if (root / "images").is_dir():
        return {UNSPLIT: (root / "images", root / "masks")}
    return {}


def camvid(root: Path) -> Folders:
    """`train/` beside `trainannot/`, as in the SegNet copy of CamVid."""
    found = {s: (root / s, root / f"{s}annot") for s in SPLITS}
    return {split: folders for split, folders in found.items() if folders[1].is_dir()}


LAYOUTS: tuple[Callable[[Path], Folders], ...] = (pairs, camvid)
EXPECTED = "images/ beside masks/ (with or without train/, val/, test/), or train/ beside trainannot/"
