"""Two model files on one set of images or one video, each on a runtime of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from edgeseg.compare import Comparison, compare, filmed, labelled
from edgeseg.data.dataset import open_dataset
from edgeseg.data.layouts import LAYOUTS
from edgeseg.errors import DataError, UsageError
from edgeseg.evaluate import Predictor, common_labels, open_predictor
from edgeseg.labels import Labels
from edgeseg.segmenter import RUNTIMES as KNOWN
from edgeseg.segmenter import Segmenter
from edgeseg.sources import open_source

MICRO = "tflite-micro"
"""The runtime of microcontrollers; the others are in `edgeseg.segmenter.RUNTIMES`."""
RUNTIMES = ("litert", "litert")


def compare_files(
    first: Path,
    second: Path,
    data: str,
    runtimes: tuple[str, ...] = RUNTIMES,
    split: str = "val",
    frames: int = 200,
    ignore: Iterable[int] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare two run folders, `.keras` or `.tflite` files.

    `data` is a labelled set, of which `split` is taken, or the URI of a source, of which at
    most `frames`. Raises UsageError where there are not two runtimes or one is unknown,
    DataError where the classes differ.
    """
    if len(runtimes) != 2:
        raise UsageError(f"name two runtimes, as in litert,reference; not '{','.join(runtimes)}'")
    for path, runtime in zip((first, second), runtimes, strict=True):
        if runtime not in (*KNOWN, MICRO):
            raise UsageError(f"no runtime is called '{runtime}'; known are {', '.join((*KNOWN, MICRO))}")
        if path.suffix != ".tflite" and runtime != RUNTIMES[0]:
            raise UsageError(f"{path}: runs in Keras, not on {runtime}; that is for a .tflite")
    one, labels = _opened(first, runtimes[0])
    other, theirs = _opened(second, runtimes[1])
    if labels and theirs and labels.names != theirs.names:
        raise DataError(f"{first} and {second} know different classes; compare models of the same classes")
    counts = _classes(one, labels), _classes(other, theirs)
    if None not in counts and counts[0] != counts[1]:
        raise DataError(f"{first} and {second} know {counts[0]} and {counts[1]} classes; compare models of the same")
    labels = labels or theirs
    if any(layout(Path(data)) for layout in LAYOUTS):
        dataset = open_dataset(Path(data), ignore)
        pairs = dataset.split(split)
        samples, total, labels = labelled(pairs), len(pairs), common_labels(first, labels, dataset)
    else:
        source = open_source(data)
        samples, total = filmed(source, frames), min(frames, source.total or frames)
        labels = labels or Labels.numbered(256)
    return compare(one, other, samples, labels, lambda done: on_progress(done, total) if on_progress else None)


def _classes(model: Predictor, named: Labels | None) -> int | None:
    """How many there are, or None for class ids that nobody named."""
    if named:
        return named.num_classes
    return model.labels.num_classes if isinstance(model, Segmenter) and model.output == "logits" else None


def _opened(path: Path, runtime: str) -> tuple[Predictor, Labels | None]:
    if runtime != MICRO:
        return open_predictor(path, runtime)
    from converters.tflm.predictor import MicroPredictor

    micro = MicroPredictor(path)
    return micro, micro.labels
