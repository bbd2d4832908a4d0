from dataclasses import replace

import numpy as np
import pytest

from edgeseg.images import resize
from edgeseg.training.augment import NONE, Augmentation, view


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A picture whose brightness tells its mask: ids 0 to 3 at levels 30, 90, 150, 210."""
    mask = np.random.default_rng(1).integers(0, 4, (3, 4)).astype(np.uint8).repeat(32, 0).repeat(32, 1)
    return np.repeat((30 + 60 * mask)[:, :, None], 3, axis=2).astype(np.uint8), mask


def test_without_augmentation_it_is_the_deployed_preprocessing() -> None:
    image, mask = scene()
    picture, labels = view(image, mask, (96, 128), (96, 128), np.random.default_rng(0), NONE)
    assert np.array_equal(picture, image)
    assert np.array_equal(labels, mask)
    smaller, _ = view(image, mask, (72, 96), (72, 96), np.random.default_rng(0), NONE)
    assert np.abs(smaller.astype(int) - resize(image, (72, 96))).mean() < 1


@pytest.mark.parametrize("seed", range(8))
def test_labels_stay_on_their_pixels_through_every_warp(seed: int) -> None:
    image, mask = scene()
    how = replace(NONE, scale=(0.5, 2.0), flip=0.5)
    picture, labels = view(image, mask, (80, 100), (40, 50), np.random.default_rng(seed), how)
    seen = picture.reshape(40, 2, 50, 2, 3).mean(axis=(1, 3, 4))
    counted = labels != 255
    assert np.mean(np.abs(seen - (30 + 60.0 * labels))[counted] < 25) > 0.85
    assert counted.any()


def test_what_lies_outside_is_ignored() -> None:
    image, mask = scene()
    _, labels = view(image, mask, (96, 128), (96, 128), np.random.default_rng(0), replace(NONE, scale=(0.5, 0.5)))
    assert np.mean(labels == 255) == pytest.approx(0.75, abs=0.02)


def test_the_same_seed_gives_the_same_view_and_another_another() -> None:
    image, mask = scene()
    views = [view(image, mask, (96, 128), (48, 64), np.random.default_rng(seed), Augmentation()) for seed in (3, 3, 4)]
    assert np.array_equal(views[0][0], views[1][0])
    assert np.array_equal(views[0][1], views[1][1])
    assert not np.array_equal(views[0][0], views[2][0])


def test_grey_images_stay_grey() -> None:
    image, mask = scene()
    for seed in range(6):
        picture, _ = view(image[:, :, :1], mask, (64, 64), (64, 64), np.random.default_rng(seed), Augmentation())
        assert picture.shape == (64, 64, 1)


def test_gamma_darkens_the_middle_and_keeps_the_ends() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    how = replace(NONE, gamma=(2.0, 2.0))
    picture, _ = view(ramp, ramp[:, :, 0], (64, 256), (64, 256), np.random.default_rng(0), how)
    assert picture[0, :, 0].tolist() == (255 * (np.arange(256) / 255) ** 2).astype(np.uint8).tolist()


def test_noise_is_of_all_pixels_and_at_most_as_told() -> None:
    image = np.full((64, 64, 3), 128, np.uint8)
    spreads = []
    for seed in range(20):
        how = replace(NONE, noise=0.05)
        picture, _ = view(image, image[:, :, 0], (64, 64), (64, 64), np.random.default_rng(seed), how)
        spreads.append(float(picture.astype(float).std()))
    assert 1 < np.mean(spreads) < 0.05 * 255
    assert max(spreads) < 1.1 * 0.05 * 255
