import numpy as np
import pytest

from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES, Bolt, Nut, Scratch, Washer


def test_same_seed_gives_same_frames_in_any_order() -> None:
    one, other = Belt(5, (72, 96)), Belt(5, (72, 96))
    other.frame(90)
    for picture, again in zip(one.frame(17), other.frame(17), strict=True):
        assert np.array_equal(picture, again)


def test_another_seed_gives_another_belt() -> None:
    assert not np.array_equal(Belt(1, (72, 96)).frame(0)[0], Belt(2, (72, 96)).frame(0)[0])


@pytest.mark.parametrize("size", [(32, 32), (61, 207), (240, 97)])
def test_any_size_is_rendered_with_a_mask_of_the_same_size(size: tuple[int, int]) -> None:
    picture, mask = Belt(0, size).frame(3)
    assert picture.shape == (*size, 3)
    assert picture.dtype == mask.dtype == np.uint8
    assert mask.shape == size


def test_too_small_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32x32"):
        Belt(0, (16, 64))


def test_every_class_passes_and_parts_stay_rare() -> None:
    belt = Belt(3, (96, 128))
    shares = np.mean([np.bincount(belt.frame(i)[1].ravel(), minlength=len(CLASSES)) for i in range(0, 600, 20)], axis=0)
    shares = shares / shares.sum()
    assert all(shares[1:] > 0.003)
    assert shares[0] > 0.7


def test_the_belt_moves_and_carries_its_parts_along() -> None:
    belt = Belt(4, (100, 140))
    before, after = belt.frame(50)[1], belt.frame(60)[1]
    moved = round(10 * 0.018 * 100)
    agreement = np.mean(before[:, moved:] == after[:, :-moved])
    assert agreement > 0.995
    assert np.mean(before == after) < agreement


def test_a_mask_shows_the_same_scene_at_another_resolution() -> None:
    small, large = Belt(8, (60, 80)).frame(9)[1], Belt(8, (180, 240)).frame(9)[1]
    assert np.mean(large[1::3, 1::3] == small) > 0.99


def test_light_changes_over_time() -> None:
    belt = Belt(6, (48, 64))
    levels = [belt.frame(i)[0].mean() for i in range(0, 400, 25)]
    assert max(levels) > 1.2 * min(levels)


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        (Washer(0.1, 0.05), (0.075, 0.0), (0.0, 0.0)),
        (Nut(0.1, 0.05), (0.0, 0.08), (0.0, 0.02)),
        (Bolt(0.3, 0.04, 0.08), (0.0, 0.0), (0.0, 0.06)),
        (Scratch(0.3, 0.02, 0.0, 0.0), (0.0, 0.0), (0.0, 0.05)),
    ],
)
def test_distance_is_negative_inside_and_positive_in_holes_and_outside(
    shape: Washer, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    x, y = np.array([[inside[0], outside[0], 0.5]], np.float32), np.array([[inside[1], outside[1], 0.5]], np.float32)
    distance = shape.distance(x, y)[0]
    assert distance[0] < 0 < distance[1]
    assert distance[2] > 0
