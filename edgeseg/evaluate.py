"""One evaluation for every kind of model file, so that their figures can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeseg.data.dataset import Dataset, Pair, open_dataset, read_mask
from edgeseg.errors import DataError
from edgeseg.images import preprocess, read_frame, resize_mask
from edgeseg.labels import Labels
from edgeseg.metrics import Scores, confusion, scores
from edgeseg.segmenter import Segmenter
from edgeseg.trial import require_survival

BATCH = 8
"""Images given to a predictor at once; those that take one at a time loop."""


class Predictor(Protocol):
    """A model that gives class maps, whatever file it came from."""

    @property
    def size(self) -> tuple[int, int]:
        """Input (height, width)."""

    @property
    def channels(self) -> int:
        """3 for RGB, 1 for grey."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, *size, channels) pixels in [0, 255] to (N, h, w) class ids; h, w are the model's own."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one model on one split."""

    model: str
    split: str
    images: int
    scores: Scores

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg evaluate --json` prints; fractions of 1."""
        return {
            "model": self.model,
            "split": self.split,
            "images": self.images,
            "miou": self.scores.miou,
            "iou": self.scores.iou,
            "pixel_accuracy": self.scores.pixel_accuracy,
        }


def evaluate(
    predictor: Predictor,
    pairs: Sequence[Pair],
    labels: Labels,
    on_progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Score `predictor` on `pairs`, each at its mask's own size, from one confusion matrix."""
    matrix = np.zeros((labels.num_classes, 256), np.int64)
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        images = [preprocess(read_frame(pair.image), predictor.size, predictor.channels) for pair in batch]
        for pair, predicted in zip(batch, predictor.predict(np.stack(images)), strict=True):
            truth = read_mask(pair.mask)
            size = (truth.shape[0], truth.shape[1])
            matrix += confusion(truth, resize_mask(predicted, size), labels)
        if on_progress:
            on_progress(start + len(batch), len(pairs))
    return scores(matrix, labels)


def open_predictor(path: Path, runtime: str | None = None) -> tuple[Predictor, Labels | None]:
    """A predictor for a run folder, a `.keras` or a `.tflite` file, and the labels it carries.

    `runtime` is for a `.tflite`, see `edgeseg.segmenter.RUNTIMES`. Raises ModelError for
    anything else, MissingExtraError where Keras is needed and absent.
    """
    if path.suffix == ".tflite":
        require_survival(path, runtime)
        segmenter = Segmenter(path, runtime=runtime)
        return segmenter, segmenter.info.labels if segmenter.info else None
    from edgeseg.training.run import best_model

    model = best_model(path)
    from edgeseg.training.predict import KerasPredictor, load_keras

    network, info = load_keras(model)
    return KerasPredictor(network), info.labels if info else None


def common_labels(path: Path, own: Labels | None, dataset: Dataset) -> Labels:
    """The classes by which the model at `path`, with its `own` labels if any, is scored on `dataset`.

    Raises DataError where the two differ, or where neither names its classes.
    """
    labels = own or dataset.labels
    if labels is None:
        raise DataError(
            f"{dataset.root}: neither the model nor the data name their classes; add a labels.txt, a name a line"
        )
    if own and dataset.labels and own.names != dataset.labels.names:
        raise DataError(
            f"{path}: knows the classes {', '.join(own.names)}; the data have {', '.join(dataset.labels.names)}: "
            "use data with the same labels"
        )
    return labels.also_ignoring(dataset.labels.ignore if dataset.labels else dataset.ignore)


def evaluate_file(
    path: Path,
    data: Path,
    split: str = "val",
    ignore: Iterable[int] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score a model file on one split of a data set.

    Raises DataError where the classes of the model and of the data differ.
    """
    dataset = open_dataset(data, ignore)
    pairs = dataset.split(split)
    predictor, own = open_predictor(path)
    labels = common_labels(path, own, dataset)
    return Evaluation(str(path), split, len(pairs), evaluate(predictor, pairs, labels, on_progress))
