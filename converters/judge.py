"""How much a candidate loses: for a search that tries many, on images that are read once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from edgeseg.compare import Sample
from edgeseg.evaluate import Predictor
from edgeseg.images import Image, Mask, preprocess, resize_mask
from edgeseg.labels import Labels
from edgeseg.metrics import confusion, scores
from edgeseg.segmenter import Segmenter


class Judge:
    """Takes a .tflite and gives its loss of mIoU against the source in points of 100.

    Where a sample has no truth, the source's own mask is taken for it.
    """

    def __init__(
        self,
        samples: Iterable[Sample],
        source: Predictor,
        labels: Labels,
        write: Callable[[Path, bytes], None],
        on_tried: Callable[[int], None],
    ) -> None:
        """`write` makes a file of a candidate; `on_tried` gets the number of candidates judged so far."""
        self._labels, self._write, self._on_tried = labels, write, on_tried
        self._images: list[Image] = []
        self._truths: list[Mask] = []
        self._tried = 0
        predicted = []
        for sample in samples:
            image = preprocess(sample.frame, source.size, source.channels)
            predicted.append(source.predict(image[None])[0])
            self._images.append(image)
            self._truths.append(predicted[-1] if sample.truth is None else sample.truth)
        self._before = self._ious(predicted)

    def __call__(self, model: bytes) -> float:
        """Points of mIoU; negative where the candidate is better."""
        with tempfile.TemporaryDirectory(prefix="edgeseg-") as folder:
            tried = Path(folder) / "tried.tflite"
            self._write(tried, model)
            result = Segmenter(tried, runtime="litert")
            after = self._ious(result.predict(image[None])[0] for image in self._images)
        self._tried += 1
        self._on_tried(self._tried)
        losses = [iou - after[name] for name, iou in self._before.items() if name in after]
        return 100 * float(np.mean(losses)) if losses else float("nan")

    def _ious(self, masks: Iterable[Mask]) -> dict[str, float]:
        matrix = np.zeros((self._labels.num_classes, 256), np.int64)
        for truth, predicted in zip(self._truths, masks, strict=True):
            size = (truth.shape[0], truth.shape[1])
            matrix += confusion(truth, resize_mask(predicted, size), self._labels)
        return scores(matrix, self._labels).iou
