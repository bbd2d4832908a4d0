import math

import numpy as np
import pytest

from edgeseg.labels import Labels
from edgeseg.metrics import confusion, scores

LABELS = Labels.from_names(["a", "b", "c", "void"])


def measure(truth: list[int], predicted: list[int]):
    return scores(confusion(np.array([truth], np.uint8), np.array([predicted], np.uint8), LABELS), LABELS)


def test_by_hand() -> None:
    found = measure([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0])
    assert found.iou == pytest.approx({"a": 2 / 4, "b": 2 / 3, "c": 0.0})
    assert found.miou == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert found.pixel_accuracy == pytest.approx(4 / 6)


def test_ignored_truth_does_not_count_whatever_is_predicted() -> None:
    assert measure([0, 1, 3, 255], [0, 1, 2, 0]).miou == 1.0


def test_a_class_in_neither_mask_is_left_out_of_the_mean() -> None:
    assert set(measure([0, 1], [0, 1]).iou) == {"a", "b"}


@pytest.mark.parametrize("stray", [3, 200, 255])
def test_predicting_an_unknown_or_ignored_id_is_a_miss(stray: int) -> None:
    found = measure([0, 0], [0, stray])
    assert found.iou["a"] == 0.5
    assert found.pixel_accuracy == 0.5


def test_nothing_counted_is_not_a_number() -> None:
    assert math.isnan(measure([255, 3], [0, 0]).miou)


def test_agrees_with_a_loop_over_pixels() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, (2, 40, 50)).astype(np.uint8)
    found = scores(confusion(truth, predicted, LABELS), LABELS)
    for i, name in enumerate("abc"):
        counted = truth != 3
        both = ((truth == i) & (predicted == i) & counted).sum()
        either = (((truth == i) | (predicted == i)) & counted).sum()
        assert found.iou[name] == pytest.approx(both / either)
