import numpy as np
import pytest

from edgeseg.bundle.bounds import difference, measured

IDS = np.zeros((10, 10), np.uint8)


def ids(differing: int) -> np.ndarray:
    mask = IDS.copy()
    mask.flat[:differing] = 1
    return mask


def test_a_board_may_differ_twice_as_much_as_the_kernels_on_their_worst_frame() -> None:
    assert measured([(IDS, ids(1)), (IDS, ids(4))], gives_ids=True).agreement == pytest.approx(0.92)


def test_kernels_that_agree_leave_some_room() -> None:
    bounds = measured([(IDS, IDS)], gives_ids=True)
    assert bounds.agreement == pytest.approx(0.98)
    assert bounds.error is None


def test_scores_are_bounded_too_integers_by_a_step_and_floats_by_their_range() -> None:
    scores = np.random.default_rng(0).integers(-100, 100, (8, 8, 3)).astype(np.int8)
    assert measured([(scores, scores)], gives_ids=False).error == 1.0
    assert measured([(scores, scores + np.int8(3))], gives_ids=False).error == pytest.approx(6.0)
    real = np.linspace(0, 10, 192, dtype=np.float32).reshape(8, 8, 3)
    assert measured([(real, real)], gives_ids=False).error == pytest.approx(0.1)


def test_integers_do_not_wrap_and_one_channel_counts_by_its_scores_alone() -> None:
    low, high = np.full((2, 2, 1), -128, np.int8), np.full((2, 2, 1), 127, np.int8)
    assert difference(low, high, gives_ids=False) == (1.0, 255.0)
