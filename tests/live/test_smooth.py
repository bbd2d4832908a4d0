import functools
import math

import cv2
import numpy as np
import pytest

from edgeseg.images import preprocess, resize_mask
from edgeseg.live.smooth import Smoother
from edgeseg.metrics import flicker
from edgeseg.scene.belt import Belt

SIZE = (256, 256)
NOISE = 3.0
"""Of the camera, in grey levels."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@functools.cache
def belt(seed: int) -> Belt:
    return Belt(seed, (360, 480))


def seen(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """What a model is given of a frame of the belt, and the truth."""
    frame, mask = belt(seed).frame(index)
    return preprocess(frame, SIZE, 3), resize_mask(mask, SIZE)


def noisy(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(picture + rng.normal(0, NOISE, picture.shape) + 0.5, 0, 255).astype(np.uint8)


def shaky(truth: np.ndarray, rng: np.random.Generator, share: float = 0.3) -> np.ndarray:
    """A network's map: beside each outline some pixels say what lies on the other side."""
    found = truth.copy()
    square = np.ones((5, 5), np.uint8)
    sides = cv2.dilate(truth, square), cv2.erode(truth, square)
    outline = sides[0] != sides[1]
    for side in sides:
        wrong = outline & (rng.random(truth.shape) < share / 2)
        found[wrong] = side[wrong]
    return found


def part_iou(truths: list[np.ndarray], maps: list[np.ndarray]) -> float:
    truth, found = np.stack(truths), np.stack(maps)
    parts = truth > 0
    return ((truth == found) & parts).sum() / (parts | (found > 0)).sum()


def test_a_still_scene_flickers_a_twentieth_as_much_and_is_nearer_to_the_truth(rng: np.random.Generator) -> None:
    picture, truth = seen(2026, 40)
    smoother = Smoother()
    maps = [shaky(truth, rng) for _ in range(60)]
    steadied = [smoother(label_map, noisy(picture, rng)) for label_map in maps]
    assert smoother.raw > 0.02
    assert smoother.smoothed < smoother.raw / 20  # measured: a fortieth
    truths = [truth] * len(maps)
    assert part_iou(truths, steadied) > part_iou(truths, maps) + 0.05


@pytest.mark.parametrize("seed", [2026, 7])
def test_moving_parts_are_as_the_network_sees_them(seed: int, rng: np.random.Generator) -> None:
    smoother = Smoother()
    pairs = [seen(seed, index) for index in range(40, 60)]
    truths = [truth for _, truth in pairs]
    maps = [shaky(truth, rng) for truth in truths]
    steadied = [smoother(label_map, picture) for label_map, (picture, _) in zip(maps, pairs, strict=True)]
    assert part_iou(truths, steadied) >= part_iou(truths, maps) - 1e-4
    assert np.mean(np.stack(steadied) != np.stack(maps)) < 1e-3


def test_one_part_that_crosses_a_stopped_belt_moves_at_once_while_the_rest_is_steadied(
    rng: np.random.Generator,
) -> None:
    still, rest = seen(2026, 40)
    crossing, crossing_truth = seen(7, 40)
    part = crossing_truth > 0
    smoother = Smoother()
    for step in range(0, 60, 3):
        shifted = np.roll(part, step, axis=1)
        picture = np.where(shifted[:, :, None], np.roll(crossing, step, axis=1), still)
        label_map = np.where(shifted, np.uint8(9), shaky(rest, rng))
        steadied = smoother(label_map, noisy(picture, rng))
        lag = np.mean((steadied == 9) != shifted) / np.mean(shifted)
        assert lag < 0.005, step
    assert smoother.smoothed < smoother.raw / 10


def test_a_still_pixel_takes_a_class_said_three_times_running() -> None:
    picture = np.full((32, 32, 3), 100, np.uint8)
    smoother = Smoother()
    shown = [int(smoother(np.full((32, 32), said, np.uint8), picture)[5, 5]) for said in [0, 0, 1, 1, 0, 1, 1, 1, 0, 1]]
    assert shown == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_lamp_that_is_switched_opens_next_to_nothing(factor: float, rng: np.random.Generator) -> None:
    picture, truth = seen(2026, 40)
    smoother = Smoother()
    for _ in range(5):
        before = smoother(shaky(truth, rng), noisy(picture, rng))
    after = smoother(shaky(truth, rng), noisy(picture * factor, rng))
    assert np.mean(before != after) < smoother.raw / 5


def test_after_a_cut_the_new_scene_is_there_at_once(rng: np.random.Generator) -> None:
    smoother = Smoother()
    for seed in (1, 6):
        picture, truth = seen(seed, 50)
        for _ in range(4):
            shown = smoother(truth, noisy(picture, rng))
            assert np.mean(shown != truth) < 1e-3


def test_a_picture_that_changes_everywhere_is_not_taken_for_a_noisy_one(rng: np.random.Generator) -> None:
    smoother = Smoother()
    for step in range(4):
        leaves = cv2.resize(rng.integers(0, 255, (40, 40, 3)).astype(np.uint8), SIZE)
        truth = np.full(SIZE, step, np.uint8)
        assert np.mean(smoother(truth, leaves) != truth) < 0.01


def test_a_new_size_begins_anew_and_a_coarse_map_of_one_channel_is_steadied_too(rng: np.random.Generator) -> None:
    smoother = Smoother()
    for size in ((64, 64), (48, 80), (7, 5)):
        picture = rng.integers(0, 255, (240, 320, 1)).astype(np.uint8)
        first = rng.integers(0, 3, size).astype(np.uint8)
        assert np.array_equal(smoother(first, picture), first)
        assert np.array_equal(smoother(first + 1, picture), first)


def test_flicker_is_unknown_until_something_can_be_compared(rng: np.random.Generator) -> None:
    smoother = Smoother()
    assert (smoother.raw, smoother.smoothed) == (None, None)
    label_map = np.zeros((32, 32), np.uint8)
    smoother(label_map, np.zeros((32, 32, 3), np.uint8))
    assert smoother.raw is None
    smoother(label_map + 1, np.zeros((32, 32, 3), np.uint8))
    assert (smoother.raw, smoother.smoothed) == (1.0, 0.0)


def test_maps_given_back_stay_as_they_are(rng: np.random.Generator) -> None:
    picture, truth = seen(2026, 40)
    smoother = Smoother()
    buffer = truth.copy()
    kept = []
    for _ in range(6):
        buffer[:] = shaky(truth, rng)  # a caller may use its own array again
        shown = smoother(buffer, picture)
        kept.append((shown, shown.copy()))
    assert all(np.array_equal(shown, copy) for shown, copy in kept)
    assert smoother.raw > 0.01


def test_flicker_by_hand() -> None:
    before = np.array([[0, 0, 1, 1]], np.uint8)
    after = np.array([[0, 2, 2, 1]], np.uint8)
    assert flicker(before, after, np.array([[0, 0, 0, 0]], np.uint8)) == 2 / 4
    assert flicker(before, after, np.array([[0, 0, 255, 0]], np.uint8)) == 1 / 3
    assert math.isnan(flicker(before, after, np.full((1, 4), 255, np.uint8)))
