import math

import numpy as np
import pytest

from edgeseg.labels import Labels
from edgeseg.metrics import BoundaryCounts, boundary_counts, confusion, scores

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


SQUARE = (slice(2, 7), slice(2, 7))
SHIFTED = (slice(2, 7), slice(3, 8))


def mask(region: tuple[slice, slice], shape: tuple[int, int] = (10, 10)) -> np.ndarray:
    """Class 1 in `region`, class 0 around it."""
    found = np.zeros(shape, np.uint8)
    found[region] = 1
    return found


def test_outlines_by_hand() -> None:
    """A 5x5 square one pixel too far to the right; on 10x10 pixels outlines are one pixel wide."""
    found = boundary_counts(mask(SQUARE), mask(SHIFTED), LABELS)
    # Each square's outline has 16 pixels; the upper and lower sides share 4 each, the others none.
    # The background's is the picture's edge, 36, and a ring of 24 around the square; the rings share 6 and 6.
    assert found.both.tolist() == [36 + 12, 8, 0]
    assert found.either.tolist() == [36 + 24 + 24 - 12, 16 + 16 - 8, 0]
    assert found.iou(LABELS) == pytest.approx({"a": 48 / 72, "b": 8 / 24})


def test_outlines_are_two_percent_of_the_diagonal_wide() -> None:
    whole = np.zeros((100, 100), np.uint8)
    assert boundary_counts(whole, whole, LABELS).either.tolist() == [100**2 - 94**2, 0, 0]


def test_outlines_are_harder_than_areas() -> None:
    truth, predicted = (
        mask((slice(10, 90), slice(10, 90)), (100, 100)),
        mask((slice(12, 92), slice(12, 92)), (100, 100)),
    )
    areas = scores(confusion(truth, predicted, LABELS), LABELS).iou["b"]
    assert boundary_counts(truth, predicted, LABELS).iou(LABELS)["b"] < areas - 0.3


def test_full_agreement_has_outlines_of_1() -> None:
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(0, 4, (6, 8)), np.ones((9, 9))).astype(np.uint8)
    assert boundary_counts(truth, truth, LABELS).iou(LABELS) == {"a": 1.0, "b": 1.0, "c": 1.0}


@pytest.mark.parametrize("unknown", [3, 255])
def test_what_is_predicted_where_nobody_knows_moves_no_outline(unknown: int) -> None:
    truth = mask(SQUARE)
    truth[4:, 4:] = unknown
    rng = np.random.default_rng(0)
    for _ in range(5):
        predicted = mask(SHIFTED)
        expected = boundary_counts(truth, predicted, LABELS)
        predicted[4:, 4:] = rng.integers(0, 3, (6, 6))
        found = boundary_counts(truth, predicted, LABELS)
        assert found.both.tolist() == expected.both.tolist()
        assert found.either.tolist() == expected.either.tolist()
    predicted[truth != unknown] = truth[truth != unknown]
    assert set(boundary_counts(truth, predicted, LABELS).iou(LABELS).values()) == {1.0}


def test_a_class_that_only_the_prediction_has_scores_0_and_one_without_outlines_is_absent() -> None:
    assert boundary_counts(mask((slice(0), slice(0))), mask(SQUARE), LABELS).iou(LABELS)["b"] == 0.0
    assert "c" not in boundary_counts(mask(SQUARE), mask(SQUARE), LABELS).iou(LABELS)


def test_counts_of_outlines_add_up() -> None:
    parts = [boundary_counts(mask(SQUARE), mask(other), LABELS) for other in (SQUARE, SHIFTED)]
    total = sum(parts, BoundaryCounts.none(LABELS))
    assert total.both.tolist() == (parts[0].both + parts[1].both).tolist()
    assert total.iou(LABELS)["b"] == pytest.approx((16 + 8) / (16 + 24))
    assert BoundaryCounts.none(LABELS).iou(LABELS) == {}
