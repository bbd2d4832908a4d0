from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeseg.data.dataset import open_dataset
from edgeseg.labels import Labels
from edgeseg.training.augment import NONE
from edgeseg.training.fit import rare_classes
from edgeseg.training.loader import Batches
from edgeseg.training.run import TrainConfig

RARE = 2


@pytest.fixture
def pairs(make_pairs: Callable, tmp_path: Path) -> list:
    """One image with a rare thing in its middle, and one of another class without."""
    with_it, without = np.zeros((32, 32), np.uint8), np.ones((32, 32), np.uint8)
    with_it[8:16, 8:24] = RARE
    folder = make_pairs(tmp_path, {"train": {"a": with_it, "b": without}, "val": {"c": without}}, "ground\nsky\nsign\n")
    return open_dataset(folder).split("train")


def epoch(pairs: list, paste: float, rare: list[int], seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    labels = Labels.from_names(["ground", "sky", "sign"])
    config = TrainConfig(size=(32, 32), batch=2, loss_stride=2, augmentation=replace(NONE, paste=paste), seed=seed)
    batches = Batches(pairs, labels, config, rare)
    images, masks = batches[0]
    return list(zip(images, masks, strict=True))


def test_rare_things_appear_on_other_images_with_their_pixels(pairs: list) -> None:
    originals = {int(mask[0, 0]): image for image, mask in epoch(pairs, 0.0, [RARE], 0)}
    seen = 0
    for seed in range(16):
        for image, mask in epoch(pairs, 1.0, [RARE], seed):
            ground = int(mask[0, 0])
            there = (mask == RARE).repeat(2, 0).repeat(2, 1)
            assert np.array_equal(image[~there], originals[ground][~there])
            assert np.array_equal(image[there], originals[0][there])
            seen += ground == 1 and bool(there.any())
    assert seen


def test_nothing_is_pasted_unasked(pairs: list) -> None:
    for paste, rare in ((0.0, [RARE]), (1.0, [])):
        assert all((mask == RARE).any() == (mask[0, 0] == 0) for _, mask in epoch(pairs, paste, rare, 0))


def test_rare_is_what_has_less_than_half_an_even_share() -> None:
    assert rare_classes(np.array([0.5, 0.3, 0.124, 0.076, 0.0])) == [3]
    assert rare_classes(np.array([0.9, 0.1])) == [1]
