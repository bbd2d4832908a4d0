import numpy as np
import pytest

from edgeseg.errors import UsageError
from edgeseg.training.losses import LOSSES, class_weights, make_loss
from edgeseg.training.run import TrainConfig

SHARE = np.array([0.7, 0.2, 0.1])
RNG = np.random.default_rng(0)


def labels_and_logits() -> tuple[np.ndarray, np.ndarray]:
    labels = RNG.integers(0, 3, (2, 8, 8)).astype(np.int32)
    logits = RNG.normal(size=(2, 8, 8, 3)).astype(np.float32)
    return labels, logits


@pytest.mark.parametrize("name", LOSSES)
def test_a_right_answer_costs_less_than_a_wrong_one(name: str) -> None:
    labels, _ = labels_and_logits()
    right = 10 * np.eye(3, dtype=np.float32)[labels]
    loss = make_loss(name, SHARE, 0.25)
    assert 0 <= float(loss(labels, right)) < 0.01 < float(loss(labels, -right))


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_change_nothing(name: str) -> None:
    labels, logits = labels_and_logits()
    labels[:, :4] = 255
    changed = logits.copy()
    changed[:, :4] += 50
    loss = make_loss(name, SHARE, 0.25)
    assert float(loss(labels, logits)) == pytest.approx(float(loss(labels, changed)), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_but_ignored_pixels_is_finite(name: str) -> None:
    _, logits = labels_and_logits()
    assert np.isfinite(float(make_loss(name, SHARE, 0.25)(np.full((2, 8, 8), 255, np.int32), logits)))


@pytest.mark.parametrize("name", LOSSES)
def test_coarse_logits_are_brought_to_the_labels(name: str) -> None:
    labels, logits = labels_and_logits()
    assert np.isfinite(float(make_loss(name, SHARE, 0.25)(labels, logits[:, ::4, ::4])))


def test_cross_entropy_by_hand() -> None:
    labels, logits = labels_and_logits()
    chance = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    picked = -np.log(np.take_along_axis(chance, labels[..., None], -1))[..., 0]
    weights = class_weights(SHARE, 0.5)[labels]
    expected = (picked * weights).sum() / weights.sum()
    assert float(make_loss("ce", SHARE, 0.5)(labels, logits)) == pytest.approx(expected, rel=1e-4)


def test_weights_favour_rare_classes_and_average_to_one() -> None:
    weights = class_weights(SHARE, 0.5)
    assert weights[0] < weights[1] < weights[2]
    assert (weights * SHARE).sum() == pytest.approx(1)
    assert np.allclose(class_weights(SHARE, 0), 1)
    assert class_weights(np.array([1.0, 0.0]), 0.5)[1] == 0


def test_an_unknown_loss_lists_the_known() -> None:
    with pytest.raises(UsageError, match="ce, focal, dice"):
        TrainConfig(loss="hinge")
