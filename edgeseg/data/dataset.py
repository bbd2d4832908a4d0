"""A folder of labelled images, found and divided but not yet read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeseg.data.layouts import EXPECTED, LAYOUTS, UNSPLIT
from edgeseg.errors import DataError, MissingExtraError
from edgeseg.images import IMAGE_SUFFIXES, Mask
from edgeseg.labels import Labels, read_labels

LABEL_FILES = ("labels.txt", "labelmap.txt")
HELD_OUT = 5
"""One image in so many becomes val where a set has no val part of its own."""


@dataclass(frozen=True)
class Pair:
    """One image and the mask that belongs to it."""

    image: Path
    mask: Path
    """May not exist; `edgeseg.data.check` says so."""


@dataclass(frozen=True)
class Dataset:
    """What a folder holds."""

    root: Path
    labels: Labels | None
    """None where no label file is there; the check then numbers the ids that it meets."""
    ignore: frozenset[int]
    """Ids that the user asked to leave out, for labels that come later."""
    splits: dict[str, tuple[Pair, ...]]
    """By name, in the order train, val, test; sorted by path."""
    orphans: tuple[Path, ...]
    """Masks that no image belongs to."""
    doubles: tuple[Path, ...] = ()
    """Images whose name, but for the suffix, another image has too; they are in no split."""

    def split(self, name: str) -> tuple[Pair, ...]:
        """The pairs of one split; raises DataError that lists those there are."""
        if not self.splits.get(name):
            known = ", ".join(split for split, pairs in self.splits.items() if pairs) or "none"
            raise DataError(f"{self.root}: has no images in the split '{name}'; it has {known}")
        return self.splits[name]

    def fingerprint(self, splits: Iterable[str] = ("train",)) -> str:
        """sha256 over names and bytes of the images and masks of `splits`, hex."""
        digest = hashlib.sha256()
        for split in splits:
            for pair in self.splits.get(split, ()):
                for path in (pair.image, pair.mask):
                    digest.update(path.name.encode())
                    digest.update(path.read_bytes())
        return digest.hexdigest()


def open_dataset(root: Path, ignore: Iterable[int] = ()) -> Dataset:
    """Find images, masks and labels below `root`.

    Raises DataError where there is no folder, no known layout or no image.
    """
    if not root.is_dir():
        raise DataError(f"{root}: is not a folder; expected one with {EXPECTED}")
    folders = next((found for layout in LAYOUTS if (found := layout(root))), {})
    if not folders:
        raise DataError(f"{root}: holds no data set that edgeseg knows; expected {EXPECTED}")
    splits, orphans, doubles = {}, [], []
    for split, (images, masks) in folders.items():
        splits[split], lonely, twice = _match(images, masks)
        orphans += lonely
        doubles += twice
    if not any(splits.values()):
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(f"{root}: holds no images; put files ({known}) into {next(iter(folders.values()))[0]}")
    labels = _find_labels(root)
    ignored = frozenset(ignore)
    labels = labels.also_ignoring(ignored) if labels else None
    return Dataset(root, labels, ignored, _divide(splits), tuple(orphans), tuple(doubles))


def _find_labels(root: Path) -> Labels | None:
    for name in LABEL_FILES:
        if (root / name).is_file():
            return read_labels(root / name)
    return None


def _files(folder: Path) -> tuple[dict[str, Path], list[Path]]:
    """Image files below `folder` by relative path without suffix, sorted, and those whose key was taken."""
    found: dict[str, Path] = {}
    doubles = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            first = found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
            doubles += [path] if first != path else []
    return found, doubles


def _match(images: Path, masks: Path) -> tuple[tuple[Pair, ...], list[Path], list[Path]]:
    """Pairs, masks without an image, and files that share their name with another one."""
    (by_image, image_doubles), (by_mask, mask_doubles) = _files(images), _files(masks)
    pairs = tuple(Pair(path, by_mask.get(key, masks / f"{key}.png")) for key, path in by_image.items())
    orphans = [path for key, path in by_mask.items() if key not in by_image]
    return pairs, orphans, image_doubles + mask_doubles


def _divide(splits: dict[str, tuple[Pair, ...]]) -> dict[str, tuple[Pair, ...]]:
    """Give a set without val one in HELD_OUT images, chosen by name so that it stays the same."""
    whole = splits.pop(UNSPLIT, None)
    train = whole if whole is not None else splits.get("train", ())
    if splits.get("val") or len(train) < 2:
        return {"train": train, **splits} if train else splits
    ranked = sorted(train, key=lambda pair: hashlib.sha256(pair.image.stem.encode()).digest())
    held = set(ranked[: max(1, round(len(train) / HELD_OUT))])
    divided = {
        "train": tuple(pair for pair in train if pair not in held),
        "val": tuple(pair for pair in train if pair in held),
    }
    return divided | {split: pairs for split, pairs in splits.items() if split not in divided}


def read_mask(path: Path) -> Mask:
    """Read class ids, HxW uint8: a one-channel image, or the indices of a palette PNG.

    Raises DataError for a file that is missing, cut short, coloured, or JPEG.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("Pillow", "train") from error
    if not path.is_file():
        raise DataError(f"{path}: the mask is missing; label the image or remove it")
    try:
        with Image.open(path) as opened:
            mode, kind = opened.mode, opened.format
            ids = np.asarray(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the mask cannot be read ({error}); export it again") from error
    if kind == "JPEG":
        raise DataError(f"{path}: the mask is a JPEG, which blurs class ids; export it as PNG")
    if ids.ndim != 2:
        raise DataError(
            f"{path}: the mask has colours ({mode}) in place of class ids; export it as one channel or a palette PNG"
        )
    if ids.max(initial=0) > 255 or ids.min(initial=0) < 0:
        raise DataError(f"{path}: the mask holds id {ids.max()}; ids go from 0 to 255")
    return ids.astype(np.uint8)
