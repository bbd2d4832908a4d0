"""Frames for calibration: chosen so that they show what the camera will, read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.data.dataset import Dataset, Pair, open_dataset, read_mask
from edgeseg.errors import DataError
from edgeseg.images import IMAGE_SUFFIXES, Image, preprocess, read_frame
from edgeseg.labels import IGNORE_ID

INPUT = "image"
"""Name of an exported graph's input."""
FEW = 20
"""Frames below which a range depends on chance."""
NAMED = 5
"""Classes that a warning names."""
DARK = 64
"""Of 255: calibration frames none of which has a brighter pixel are suspect."""
CANDIDATES = 2000
"""Images among which the frames are chosen; of larger sets, every so-many-th."""
HELD_OUT = 50
"""Images without masks on which source and result are compared."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Coverage:
    """What the chosen frames show of what there is."""

    frames: int
    of: int
    """Images among which they were chosen."""
    brightness: tuple[float, ...]
    """Mean brightness of each chosen frame, 0..255, ascending."""
    others: tuple[float, ...]
    """The same of the images on which the result is judged."""
    darkest: int
    brightest: int
    """Extreme pixels of the chosen frames, each picture reduced to an eighth first."""
    classes: dict[str, int] = field(default_factory=dict)
    """Chosen frames that show each class; empty where there are no masks."""

    def warnings(self) -> list[str]:
        """What is wrong with the frames and what to do, a line each."""
        found = []
        if self.frames < FEW:
            found.append(
                f"only {self.frames} calibration frames: below {FEW}, ranges depend on chance; give more images"
            )
        if self.brightest <= 1:
            found.append(
                "the brightest calibration pixel is 1 of 255: these are floats saved as integers; "
                "export the images with values from 0 to 255"
            )
        elif self.brightest < DARK:
            found.append(
                f"the brightest calibration pixel is {self.brightest} of 255: brighter scenes will saturate; "
                "add images in full light"
            )
        if self.brightness and self.others:
            outside = np.mean([not self.brightness[0] <= each <= self.brightness[-1] for each in self.others])
            if outside > 0.1:
                found.append(
                    f"{100 * outside:.0f} % of the images to be segmented are darker or brighter than every "
                    "calibration frame; calibrate with images like them"
                )
        unseen = [name for name, frames in self.classes.items() if not frames]
        if unseen:
            more = " …" if len(unseen) > NAMED else ""
            found.append(f"no calibration frame shows {', '.join(unseen[:NAMED])}{more}; add images of it")
        return found


@dataclass(frozen=True)
class Chosen:
    """Images of a calibration folder, divided."""

    frames: tuple[Path, ...]
    held_out: tuple[Path, ...]
    dataset: Path | None
    """The folder, where it is a labelled set."""
    coverage: Coverage


def choose(folder: Path, frames: int, ignore: Sequence[int] = (), on_progress: OnProgress | None = None) -> Chosen:
    """Choose at most `frames` images of a labelled set's train part, or of a plain folder.

    For each class, the rarest first, those that show most of it; then the rest at even
    distances of brightness. Raises DataError where there are no images.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder; give a data set or a folder of images")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if images:
        looks = _look_at(images, on_progress)
        picked = _pick(looks, min(frames, max(1, len(images) * 4 // 5)), {})
        used = {each.path for each in picked}
        held_out = spread([path for path in images if path not in used] or images, HELD_OUT)
        return Chosen(_paths(picked), tuple(held_out), None, _coverage(picked, len(looks), held_out, {}))
    dataset = open_dataset(folder, ignore)
    looks = _look_at(dataset.split("train"), on_progress)
    classes = _classes(dataset, looks)
    picked = _pick(looks, min(frames, len(looks)), classes)
    held_out = spread([pair.image for pair in dataset.split("val")], HELD_OUT)
    return Chosen(_paths(picked), tuple(held_out), folder, _coverage(picked, len(looks), held_out, classes))


@dataclass(frozen=True, eq=False)
class _Look:
    path: Path
    mean: float
    low: int
    high: int
    share: NDArray[np.float64]
    """Of each id 0..255 in the mask; empty without one."""


def _look_at(items: Sequence[Path | Pair], on_progress: OnProgress | None = None) -> list[_Look]:
    looks = []
    found = spread(items, CANDIDATES)
    for number, each in enumerate(found, 1):
        looks.append(_look(each))
        if on_progress:
            on_progress(number, len(found))
    return looks


def _look(each: Path | Pair) -> _Look:
    path = each.image if isinstance(each, Pair) else each
    small = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if small is None:
        raise DataError(f"{path}: is not a readable image; export it again as JPEG or PNG")
    share = np.zeros(0)
    if isinstance(each, Pair):
        mask = read_mask(each.mask)
        share = np.bincount(mask.ravel(), minlength=256) / mask.size
    return _Look(path, float(small.mean()), int(small.min()), int(small.max()), share)


def _classes(dataset: Dataset, looks: list[_Look]) -> dict[int, str]:
    """Ids and names of the classes that should be shown."""
    if dataset.labels is not None:
        return {i: dataset.labels.names[i] for i in dataset.labels.counted}
    met = np.flatnonzero(np.sum([each.share for each in looks], axis=0))
    return {int(i): f"class{i}" for i in met if i != IGNORE_ID and i not in dataset.ignore}


def _pick(looks: list[_Look], count: int, classes: dict[int, str]) -> list[_Look]:
    picked: list[_Look] = []
    quota = max(1, count // (4 * max(1, len(classes))))
    shows = {i: [each for each in looks if each.share[i] > 0] for i in classes}
    for i in sorted(classes, key=lambda i: len(shows[i])):
        missing = min(quota - sum(each in picked for each in shows[i]), count - len(picked))
        fresh = [each for each in shows[i] if each not in picked]
        picked += sorted(fresh, key=lambda each: -float(each.share[i]))[: max(0, missing)]  # used at once
    rest = sorted((each for each in looks if each not in picked), key=lambda each: each.mean)
    return picked + spread(rest, count - len(picked))


def _paths(picked: list[_Look]) -> tuple[Path, ...]:
    return tuple(sorted(each.path for each in picked))


def _coverage(picked: list[_Look], of: int, others: Sequence[Path], classes: dict[int, str]) -> Coverage:
    return Coverage(
        len(picked),
        of,
        tuple(sorted(each.mean for each in picked)),
        tuple(sorted(each.mean for each in _look_at(others))),
        min(each.low for each in picked),
        max(each.high for each in picked),
        {name: sum(bool(each.share[i] > 0) for each in picked) for i, name in classes.items()},
    )


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """`count` of `items` at even distances, or all where there are fewer."""
    if len(items) <= count:
        return list(items)
    return [items[i * (len(items) - 1) // max(1, count - 1)] for i in range(count)]


def stream(paths: Sequence[str], size: tuple[int, int], channels: int) -> Iterator[Image]:
    """Yield pixels (*size, channels) uint8, one picture at a time.

    The first one gets one black and one white pixel, so that the input's range is whole and
    its quantization exact: raw pixels can then be fed as they are.
    """
    for number, path in enumerate(paths):
        image = preprocess(read_frame(Path(path)), size, channels)
        if number == 0:
            image = image.copy()
            image[0, 0], image[-1, -1] = 0, 255
        yield image


def scaled(image: Image, input_range: tuple[float, float]) -> NDArray[np.float32]:
    """Pixels uint8 to float32 in `input_range`."""
    low, high = input_range
    return image * np.float32((high - low) / 255) + np.float32(low)
