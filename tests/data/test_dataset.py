from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edgeseg.data.dataset import open_dataset, read_mask
from edgeseg.errors import DataError

MASK = np.array([[0, 1], [1, 0]], np.uint8)


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("train/images", "train/masks"),
        ("images/train", "masks/train"),
        ("train", "trainannot"),
    ],
)
def test_layouts_with_splits(tmp_path: Path, images: str, masks: str) -> None:
    for split in ("train", "val"):
        write(tmp_path / images.replace("train", split) / "a.jpg", MASK)
        write(tmp_path / masks.replace("train", split) / "a.png", MASK)
    dataset = open_dataset(tmp_path)
    assert list(dataset.splits) == ["train", "val"]
    pair = dataset.split("val")[0]
    assert pair.image.name == "a.jpg"
    assert pair.mask.is_file()


def test_a_flat_set_is_divided_the_same_way_each_time(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / "images" / f"{number}.png", MASK)
        write(tmp_path / "masks" / f"{number}.png", MASK)
    first, second = open_dataset(tmp_path), open_dataset(tmp_path)
    assert first.splits == second.splits
    assert len(first.split("val")) == 4
    assert not set(first.split("train")) & set(first.split("val"))


def test_train_without_val_holds_some_out(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / "train" / "images" / f"{number}.png", MASK)
    assert len(open_dataset(tmp_path).split("val")) == 2


def test_an_asked_for_split_that_is_absent_lists_those_there_are(tmp_path: Path, make_pairs: Callable) -> None:
    make_pairs(tmp_path, {"train": {"a": MASK}, "val": {"b": MASK}})
    with pytest.raises(DataError, match="it has train, val"):
        open_dataset(tmp_path).split("test")


@pytest.mark.parametrize("make", ["nothing", "empty", "no images", "unknown"])
def test_a_folder_without_a_set_says_what_is_expected(tmp_path: Path, make: str) -> None:
    root = tmp_path / "set"
    if make != "nothing":
        root.mkdir()
    if make == "no images":
        (root / "images").mkdir()
    if make == "unknown":
        (root / "pictures").mkdir()
    with pytest.raises(DataError, match=r"images"):
        open_dataset(root)


def test_palette_masks_give_their_indices(tmp_path: Path) -> None:
    indexed = Image.new("P", (2, 2))
    indexed.putpalette([value for i in range(256) for value in (255 - i, i, 7)])
    indexed.putdata([0, 3, 5, 3])
    indexed.save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").tolist() == [[0, 3], [5, 3]]


@pytest.mark.parametrize(
    ("name", "mask", "said"),
    [
        ("a.png", np.zeros((4, 4, 3), np.uint8), "colours"),
        ("a.jpg", np.zeros((4, 4), np.uint8), "JPEG"),
        ("a.png", np.full((4, 4), 300, np.uint16), "id 300"),
        ("a.png", None, "missing"),
    ],
)
def test_bad_masks_are_named_with_their_cure(tmp_path: Path, name: str, mask: np.ndarray | None, said: str) -> None:
    if mask is not None:
        write(tmp_path / name, mask)
    with pytest.raises(DataError, match=said) as error:
        read_mask(tmp_path / name)
    assert name in str(error.value)


def test_a_fingerprint_changes_with_a_mask(tmp_path: Path, make_pairs: Callable) -> None:
    make_pairs(tmp_path, {"train": {"a": MASK}, "val": {"b": MASK}})
    before = open_dataset(tmp_path).fingerprint()
    write(tmp_path / "train" / "masks" / "a.png", 1 - MASK)
    assert open_dataset(tmp_path).fingerprint() != before
