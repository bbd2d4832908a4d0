from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.tflm.predictor import MicroPredictor
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import ModelError
from edgeseg.evaluate import evaluate, open_predictor
from edgeseg.images import preprocess, read_frame
from edgeseg.segmenter import Segmenter

pytest.importorskip("tflite_micro", reason="needs tflite-micro, which has wheels for Linux on x86-64 only")


@pytest.mark.parametrize(("scheme", "share"), [("int8", 0.9), ("float32", 0.9999)])
def test_the_class_maps_are_those_of_litert(
    models: Callable[[str, str], Path], belt_set: Path, scheme: str, share: float
) -> None:
    path = models(scheme, "logits")
    micro, lite = MicroPredictor(path), Segmenter(path)
    assert (micro.size, micro.channels) == (lite.size, lite.channels) == ((64, 96), 3)
    assert micro.labels == lite.labels
    pairs = open_dataset(belt_set).split("val")
    images = np.stack([preprocess(read_frame(pair.image), micro.size, 3) for pair in pairs])
    ours, theirs = micro.predict(images), lite.predict(images)
    assert ours.dtype == np.uint8
    assert ours.shape == theirs.shape == (len(pairs), 64, 96)
    assert len(np.unique(ours)) > 1
    assert (ours == theirs).mean() > share
    assert np.array_equal(micro.predict(images[:1])[0], ours[0])  # no state stays behind


def test_it_is_scored_as_any_predictor(models: Callable[[str, str], Path], belt_set: Path) -> None:
    path = models("int8", "logits")
    dataset = open_dataset(belt_set)
    assert dataset.labels
    micro = evaluate(MicroPredictor(path), dataset.split("val"), dataset.labels)
    lite = evaluate(open_predictor(path)[0], dataset.split("val"), dataset.labels)
    assert micro.pixel_accuracy > 0.5
    assert abs(micro.miou - lite.miou) < 0.02


def test_a_model_that_does_not_run_is_refused_with_the_edit(int8_model: Path) -> None:
    with pytest.raises(ModelError, match="--output logits"):
        MicroPredictor(int8_model)
