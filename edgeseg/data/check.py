"""The check that every training starts with: read each pair, name each fault and its cure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeseg.data.dataset import Dataset, Pair, read_mask
from edgeseg.errors import DataError, MissingExtraError
from edgeseg.labels import IGNORE_ID, Labels

MAX_NAMED = 20
"""A refusal of training names at most so many faults; `data check` names all."""


@dataclass(frozen=True)
class ClassCount:
    """How much of a split one class takes."""

    images: int
    pixels: int


@dataclass(frozen=True)
class Report:
    """What the check found."""

    root: Path
    labels: Labels
    """The data set's own, or numbered classes up to the largest id met."""
    problems: tuple[str, ...]
    """A line each: the file, what is wrong, what to do."""
    images: dict[str, int]
    """Images by split."""
    counts: dict[str, dict[int, ClassCount]]
    """By split and class id; an id that a split does not show is absent."""

    def pixel_share(self, split: str) -> NDArray[np.float64]:
        """Share of the counted pixels of a split by class, (num_classes,), sums to 1."""
        pixels = np.zeros(self.labels.num_classes)
        for class_id, count in self.counts.get(split, {}).items():
            if class_id in self.labels.counted:
                pixels[class_id] = count.pixels
        return np.asarray(pixels / max(1.0, pixels.sum()), np.float64)

    def require(self) -> None:
        """Raise DataError with the problems, unless there are none."""
        if not self.problems:
            return
        named = "\n  ".join(self.problems[:MAX_NAMED])
        more = f"\n  and {len(self.problems) - MAX_NAMED} more" if len(self.problems) > MAX_NAMED else ""
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        raise DataError(f"{self.root}: {count}; see  edgeseg data check {self.root}\n  {named}{more}")


@dataclass(frozen=True)
class _Read:
    problem: str = ""
    digest: bytes | None = None
    histogram: NDArray[np.int64] | None = None


def check(dataset: Dataset, on_progress: Callable[[int, int], None] | None = None) -> Report:
    """Read every pair of every split. `on_progress` gets (pairs read, pairs in all)."""
    work = [(split, pair) for split, pairs in dataset.splits.items() for pair in pairs]
    with ThreadPoolExecutor(max_workers=4) as pool:
        read = []
        for done, result in enumerate(pool.map(lambda item: _read(item[1]), work), 1):
            read.append(result)
            if on_progress:
                on_progress(done, len(work))
    labels = dataset.labels or _numbered(read, dataset.ignore)
    problems: list[str] = []
    seen: dict[bytes, tuple[str, Pair]] = {}
    counts: dict[str, dict[int, ClassCount]] = {split: {} for split in dataset.splits}
    for (split, pair), result in zip(work, read, strict=True):
        if result.digest is not None:
            first_split, first = seen.setdefault(result.digest, (split, pair))
            if first_split != split:
                problems.append(f"{pair.image}: is also in {first_split} ({first.image.name}); keep it in one part")
        if result.histogram is None:
            problems.append(result.problem)
            continue
        problems += _wrong_ids(pair, result.histogram, labels)
        for class_id in np.flatnonzero(result.histogram):
            old = counts[split].get(int(class_id), ClassCount(0, 0))
            counts[split][int(class_id)] = ClassCount(old.images + 1, old.pixels + int(result.histogram[class_id]))
    problems += [f"{path}: no image belongs to this mask; add the image or remove the mask" for path in dataset.orphans]
    problems += [f"{path}: another file has this name with another suffix; rename one" for path in dataset.doubles]
    problems += _absent_classes(dataset, labels, counts)
    images = {split: len(pairs) for split, pairs in dataset.splits.items()}
    return Report(dataset.root, labels, tuple(problems), images, counts)


def _read(pair: Pair) -> _Read:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingExtraError("Pillow", "train") from error
    try:
        with Image.open(pair.image) as opened:
            image = ImageOps.exif_transpose(opened.convert("RGB"))  # convert() reads to the last byte
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return _Read(f"{pair.image}: is not a readable image ({_brief(error)}); export it again or remove it")
    digest = hashlib.sha256(image.tobytes()).digest()
    try:
        mask = read_mask(pair.mask)
    except DataError as error:
        return _Read(str(error), digest)
    if mask.shape != (image.height, image.width):
        sizes = f"{mask.shape[1]}x{mask.shape[0]}, its image {image.width}x{image.height}"
        return _Read(f"{pair.mask}: the mask is {sizes}; export it at the image's size", digest)
    return _Read("", digest, np.bincount(mask.ravel(), minlength=256))


def _brief(error: Exception) -> str:
    """PIL's reason without the object address that it prints."""
    return "unknown format" if "cannot identify" in str(error) else str(error)


def _numbered(read: list[_Read], ignore: frozenset[int]) -> Labels:
    met = sum((r.histogram for r in read if r.histogram is not None), np.zeros(256, np.int64))
    met[[IGNORE_ID, *ignore]] = 0
    largest = int(np.flatnonzero(met).max(initial=0))
    return Labels.numbered(largest + 1).also_ignoring(ignore)


def _wrong_ids(pair: Pair, histogram: NDArray[np.int64], labels: Labels) -> list[str]:
    known = len(labels.names)
    wrong = [int(i) for i in np.flatnonzero(histogram) if i >= known and i not in labels.ignore]
    if wrong:
        ids = ", ".join(map(str, wrong[:5]))
        return [
            f"{pair.mask}: holds id {ids}, but the labels name 0 to {known - 1}; "
            f"correct the mask, name the id, or leave it out with {' '.join(f'--ignore {i}' for i in wrong[:5])}"
        ]
    if set(np.flatnonzero(histogram)) == {0, IGNORE_ID} and known <= 2:
        return [f"{pair.mask}: holds only 0 and 255, and 255 means ignore; write 1 where the object is"]
    return []


def _absent_classes(dataset: Dataset, labels: Labels, counts: dict[str, dict[int, ClassCount]]) -> list[str]:
    if len(labels.counted) < 2:
        return [f"{dataset.root}: shows fewer than 2 classes that count; there is nothing to tell apart"]
    if dataset.labels is None:
        return []
    trained = "train" if dataset.splits.get("train") else next(iter(counts))
    return [
        f"{dataset.root}: no image of {trained} shows class {i} '{labels.names[i]}'; "
        "add one, or rename it to 'ignore' in the label file"
        for i in labels.counted
        if i not in counts[trained]
    ]
