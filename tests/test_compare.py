import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.compare import WORST, Comparison, Sample, compare, filmed, labelled, segment, unlabelled
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import DataError, GateError
from edgeseg.labels import Labels
from edgeseg.sources import open_source

LABELS = Labels.from_names(["a", "b", "c", "void"])
RED, GREEN = 0, 1


class Shown:
    """A model whose class ids are one channel of its RGB input."""

    channels = 3

    def __init__(self, channel: int, size: tuple[int, int] = (2, 4)) -> None:
        self._channel, self.size = channel, size

    def predict(self, images: np.ndarray) -> np.ndarray:
        return images[..., self._channel]


FIRST, SECOND = Shown(RED), Shown(GREEN)


def sample(name: str, first: list, second: list, truth: list | None = None) -> Sample:
    """A picture of which `FIRST` and `SECOND` say what is given."""
    one, other = np.array(first, np.uint8), np.array(second, np.uint8)
    frame = np.dstack([np.zeros_like(one), other, one])  # BGR
    return Sample(name, frame, None if truth is None else np.array(truth, np.uint8))


def test_figures_by_hand() -> None:
    found = compare(
        FIRST,
        SECOND,
        [
            sample("x", [[0, 0, 1, 1]] * 2, [[0, 1, 1, 1]] * 2, [[0, 0, 1, 1]] * 2),
            sample("y", [[0, 0, 0, 0]] * 2, [[0, 0, 0, 2]] * 2, [[0, 0, 2, 2]] * 2),
        ],
        LABELS,
    )
    assert found.images == 2
    assert found.agreement == pytest.approx(12 / 16)
    assert found.class_agreement == pytest.approx({"a": (2 + 6) / 12, "b": 1.0})
    assert found.first is not None
    assert found.second is not None
    assert found.first.scores.iou == pytest.approx({"a": 8 / 12, "b": 4 / 4, "c": 0 / 4})
    assert found.second.scores.iou == pytest.approx({"a": 6 / 10, "b": 4 / 6, "c": 2 / 4})
    assert found.drops == pytest.approx({"a": 100 * (8 / 12 - 6 / 10), "b": 100 / 3, "c": -50.0})
    assert found.drop == pytest.approx(100 * (20 / 12 - (6 / 10 + 4 / 6 + 2 / 4)) / 3)
    x, y = found.worst
    assert (x.image, x.agreement, x.lost, x.won) == ("x", 0.75, 0.25, 0.0)
    assert (y.image, y.agreement, y.lost, y.won) == ("y", 0.75, 0.0, 0.25)


def test_a_class_that_the_second_no_longer_finds_is_lost_whole() -> None:
    found = compare(FIRST, SECOND, [sample("x", [[0, 0, 0, 1]], [[0, 0, 0, 0]], [[0, 0, 0, 1]])], LABELS)
    assert found.drops == pytest.approx({"a": 25.0, "b": 100.0})


def test_a_model_beside_itself_agrees_everywhere() -> None:
    found = compare(FIRST, FIRST, [sample("x", [[0, 1, 2, 2]], [[0, 0, 0, 0]], [[0, 1, 1, 2]])], LABELS)
    assert (found.agreement, found.drop) == (1.0, 0.0)
    assert set(found.class_agreement.values()) == {1.0}
    assert set(found.drops.values()) == {0.0}
    found.require(1.0)


def test_pixels_whose_truth_is_ignored_are_neither_lost_nor_won() -> None:
    found = compare(FIRST, SECOND, [sample("x", [[0, 0, 1, 1]], [[1, 1, 0, 1]], [[3, 255, 1, 1]])], LABELS)
    assert found.worst[0].lost == 0.5
    assert found.agreement == 0.25  # agreement asks for no truth


def test_without_masks_only_agreement_is_known() -> None:
    found = compare(FIRST, SECOND, [sample("x", [[0, 0, 1, 1]], [[0, 0, 1, 0]])], LABELS)
    assert (found.first, found.second, found.drop, found.drops) == (None, None, None, {})
    assert found.agreement == 0.75
    assert (found.worst[0].lost, found.worst[0].won) == (0.25, 0.0)


def test_a_truth_of_another_size_decides_the_size() -> None:
    wide = np.repeat(np.repeat([[0, 0, 1, 1]] * 2, 3, 0), 3, 1).tolist()
    found = compare(FIRST, FIRST, [sample("x", [[0, 0, 1, 1]] * 2, [[0, 0, 0, 0]] * 2, wide)], LABELS)
    assert found.first is not None
    assert found.first.scores.miou == 1.0
    assert found.first.boundary_miou == 1.0


def test_ids_without_a_name_are_numbered() -> None:
    found = compare(FIRST, SECOND, [sample("x", [[0, 0, 77, 77]], [[0, 0, 77, 0]])], LABELS)
    assert found.class_agreement == {"a": 1.0, "class77": 0.5}


def test_the_worst_images_come_first_and_are_ten() -> None:
    rows = [[int(column < wrong) for column in range(20)] for wrong in range(14)]
    samples = [sample(f"{wrong:02d}", [[0] * 20], [row], [[0] * 20]) for wrong, row in enumerate(rows)]
    sizes = (1, 20)
    found = compare(Shown(RED, sizes), Shown(GREEN, sizes), samples, LABELS)
    assert [each.image for each in found.worst] == [f"{wrong:02d}" for wrong in range(13, 13 - WORST, -1)]
    assert found.worst[0].lost == pytest.approx(13 / 20)


def test_progress_counts_images() -> None:
    seen: list[int] = []
    compare(FIRST, SECOND, [sample("x", [[0, 0, 0, 0]], [[0, 0, 0, 0]])] * 3, LABELS, seen.append)
    assert seen == [1, 2, 3]


def test_what_was_found_survives_json() -> None:
    samples = [sample("x", [[0, 0, 1, 1]] * 2, [[0, 1, 1, 1]] * 2, [[0, 0, 1, 2]] * 2)]
    for each in (samples, [Sample("x", samples[0].frame)]):
        found = compare(FIRST, SECOND, each, LABELS)
        assert Comparison.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_too_little_agreement_is_a_gate() -> None:
    found = compare(FIRST, SECOND, [sample("x", [[0, 0, 1, 1]], [[0, 0, 1, 0]])], LABELS)
    found.require(0.75)
    with pytest.raises(GateError, match=r"^they agree on 75\.00% of the pixels, below 80\.00%$") as caught:
        found.require(0.8)
    assert caught.value.exit_code == 3


def test_nothing_to_compare_is_no_agreement() -> None:
    found = compare(FIRST, SECOND, [], LABELS)
    assert (found.images, found.first, found.worst) == (0, None, ())
    assert math.isnan(found.agreement)
    with pytest.raises(GateError):
        found.require(0.0)


def test_a_set_is_read_one_image_at_a_time(belt_set: Path, tmp_path: Path) -> None:
    pairs = open_dataset(belt_set).split("val")
    first = next(labelled(pairs))
    assert first.name == str(pairs[0].image)
    assert np.array_equal(first.frame, cv2.imread(first.name))
    assert first.truth is not None
    assert first.truth.shape == first.frame.shape[:2]
    images = unlabelled([pairs[0].image, tmp_path / "absent.png"])
    assert next(images).truth is None
    with pytest.raises(DataError, match=r"absent\.png"):
        next(images)


def test_a_film_gives_so_many_frames_and_is_closed() -> None:
    source = open_source("belt:?size=64x96")
    closed: list[bool] = []
    closing = source.close
    source.close = lambda: (closed.append(True), closing())[1]  # type: ignore[method-assign]
    shown = list(filmed(source, 3))
    assert len(shown) == 3
    assert all(each.truth is None and each.frame.shape == (64, 96, 3) for each in shown)
    assert not np.array_equal(shown[0].frame, shown[2].frame)
    assert closed == [True]


def test_a_frame_is_brought_to_the_models_size() -> None:
    frame = np.dstack([np.zeros((4, 8)), np.zeros((4, 8)), np.kron([[0, 1, 2, 1]] * 2, np.ones((2, 2)))])
    assert segment(FIRST, frame.astype(np.uint8)).tolist() == [[0, 1, 2, 1]] * 2
