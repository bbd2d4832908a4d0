from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.data.check import check
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import DataError

GOOD = np.array([[0, 1], [1, 0]], np.uint8).repeat(4, 0).repeat(4, 1)


@pytest.fixture
def good(tmp_path: Path, make_pairs: Callable) -> Path:
    return make_pairs(tmp_path / "set", {"train": {"a": GOOD, "b": GOOD}, "val": {"c": GOOD}})


def problems(root: Path, **options: object) -> list[str]:
    return list(check(open_dataset(root, **options)).problems)


def test_a_good_set_has_no_problems_and_is_counted(good: Path) -> None:
    report = check(open_dataset(good))
    assert report.problems == ()
    assert report.images == {"train": 2, "val": 1}
    assert report.counts["train"][1].images == 2
    assert report.counts["train"][1].pixels == 64
    assert report.pixel_share("train").tolist() == [0.5, 0.5]


def damage(root: Path, fault: str) -> str:
    """Do one kind of damage; returns the file that must be named."""
    images, masks = root / "train" / "images", root / "train" / "masks"
    if fault == "missing mask":
        (masks / "a.png").unlink()
        return "a.png"
    if fault == "sizes":
        cv2.imwrite(str(masks / "a.png"), np.zeros((5, 6), np.uint8))
        return "a.png"
    if fault == "id":
        cv2.imwrite(str(masks / "a.png"), np.full((8, 8), 37, np.uint8))
        return "a.png"
    if fault == "colour":
        cv2.imwrite(str(masks / "a.png"), np.zeros((8, 8, 3), np.uint8))
        return "a.png"
    if fault == "cut mask":
        (masks / "a.png").write_bytes((masks / "a.png").read_bytes()[:40])
        return "a.png"
    if fault == "cut image":
        picture = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
        cv2.imwrite(str(images / "a.jpg"), picture)
        (images / "a.png").unlink()
        (images / "a.jpg").write_bytes((images / "a.jpg").read_bytes()[:-60])
        return "a.jpg"
    if fault == "no image at all":
        (images / "a.png").write_bytes(b"hello")
        return "a.png"
    if fault == "orphan":
        (images / "a.png").unlink()
        return "a.png"
    if fault == "one name":
        (images / "a.bmp").write_bytes((images / "a.png").read_bytes())
        return "a.png"
    if fault == "twice":
        (images / "a.png").write_bytes((root / "val" / "images" / "c.png").read_bytes())
        return "c.png"
    assert fault == "absent class"
    (root / "labels.txt").write_text("x\ny\nunicorn\n")
    return "unicorn"


FAULTS = {
    "missing mask": "label the image",
    "sizes": "export it at the image's size",
    "id": "holds id 37, but the labels name 0 to 1",
    "colour": "one channel or a palette PNG",
    "cut mask": "export it again",
    "cut image": "export it again",
    "no image at all": "export it again",
    "orphan": "no image belongs",
    "one name": "another file has this name",
    "twice": "keep it in one part",
    "absent class": "rename it to 'ignore'",
}


@pytest.mark.parametrize(("fault", "cure"), FAULTS.items())
def test_each_fault_is_named_with_its_cure(good: Path, fault: str, cure: str) -> None:
    named = damage(good, fault)
    found = problems(good)
    assert len(found) == 1, found
    assert named in found[0]
    assert cure in found[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_training_refuses_with_the_same_words(good: Path, fault: str) -> None:
    damage(good, fault)
    report = check(open_dataset(good))
    with pytest.raises(DataError) as error:
        report.require()
    assert report.problems[0] in str(error.value)


def test_several_faults_are_all_named(good: Path) -> None:
    for fault in ("cut mask", "absent class"):
        damage(good, fault)
    assert len(problems(good)) == 2


def test_ids_without_labels_are_numbered(good: Path) -> None:
    (good / "labels.txt").unlink()
    assert check(open_dataset(good)).labels.names == ("class0", "class1")


def test_255_and_ignored_ids_are_no_fault(good: Path) -> None:
    mask = GOOD.copy()
    mask[0, 0], mask[0, 1] = 255, 9
    cv2.imwrite(str(good / "train" / "masks" / "a.png"), mask)
    assert "id 9" in problems(good)[0]
    assert problems(good, ignore=[9]) == []


def test_a_black_and_white_mask_is_explained(good: Path) -> None:
    cv2.imwrite(str(good / "train" / "masks" / "a.png"), GOOD * 255)
    assert "write 1 where the object is" in problems(good)[0]


def test_black_and_white_masks_without_labels_are_explained_too(good: Path) -> None:
    (good / "labels.txt").unlink()
    for path in good.glob("*/masks/*.png"):
        cv2.imwrite(str(path), GOOD * 255)
    assert any("write 1 where the object is" in problem for problem in problems(good))
    assert any("fewer than 2 classes" in problem for problem in problems(good))


def test_real_sets_pass(shared: Path) -> None:
    for name, classes in (("camvid", 11), ("person", 2)):
        report = check(open_dataset(shared / "data" / name))
        assert report.problems == ()
        assert report.labels.num_classes == classes
