import re
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.data.check import check
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import OutputError
from edgeseg.images import resize_mask
from edgeseg.labels import Labels
from edgeseg.live.unsure import APART_S, Unsure, margin
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES
from edgeseg.sinks.sink import Segmented
from edgeseg.sources.frame import Frame

LABELS = Labels.from_names(CLASSES)
BELT = Belt(3, (48, 64))


def segmented(index: int, doubt: float | None, at_s: float, jpeg: bool = False) -> Segmented:
    picture, mask = BELT.frame(index * 40)
    data = cv2.imencode(".jpg", picture)[1].tobytes() if jpeg else None
    frame = Frame(None if jpeg else picture, f"{index:06d}", at_s, data)
    return Segmented(frame, resize_mask(mask, (24, 32)), index, 1.0, 1.0, doubt)


def feed(unsure: Unsure, margins: list[float], apart_s: float = APART_S, first: int = 0) -> None:
    """Frames that are `apart_s` from each other, the last of them just now."""
    start = time.monotonic() - apart_s * (first + len(margins))
    for index, doubt in enumerate(margins, first):
        unsure.write(segmented(index, doubt, start + index * apart_s))
    unsure.close(complete=True)


def kept(folder: Path) -> list[int]:
    """Margins in ten-thousandths in the order of the names; each image has its mask, and nothing else is there."""
    images, masks = ([path.stem for path in sorted((folder / part).iterdir())] for part in ("images", "masks"))
    assert images == masks
    return [int(name.rpartition("-m")[2]) for name in images]


# ---- the margin ----


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("classes", [2, 3, 21])
def test_the_margin_of_integers_is_that_of_sorting_them(dtype: type, classes: int) -> None:
    limits = np.iinfo(dtype)
    scores = np.random.default_rng(0).integers(limits.min, limits.max + 1, (9, 7, classes)).astype(dtype)
    ordered = np.sort(scores.astype(np.int64), axis=-1)
    expected = (ordered[:, :, -1] - ordered[:, :, -2]).mean() / (limits.max - limits.min)
    assert margin(scores) == pytest.approx(expected)


def test_the_margin_of_logits_is_that_of_their_probabilities() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (9, 7, 5)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    ordered = np.sort(probabilities, axis=-1)
    expected = (ordered[:, :, -1] - ordered[:, :, -2]).mean()
    assert margin(logits) == pytest.approx(expected, rel=1e-4)
    assert margin(probabilities) == pytest.approx(expected, rel=1e-4)
    assert margin(logits * 1000) == pytest.approx(1, abs=0.01)


def test_the_margin_goes_from_0_to_1() -> None:
    scores = np.full((4, 4, 3), -128, np.int8)
    assert margin(scores) == 0
    scores[:, :, 1] = 127
    assert margin(scores) == 1


def test_one_channel_is_foreground_against_the_rest() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (9, 7, 1)).astype(np.float32)
    expected = margin(np.concatenate([logits, np.zeros_like(logits)], axis=2))
    assert margin(logits) == pytest.approx(expected, rel=1e-4)
    probability = 1 / (1 + np.exp(-logits))
    assert margin(probability[:, :, 0]) == pytest.approx(expected, rel=1e-4)
    quantised = np.round(probability * 255)
    assert margin(quantised.astype(np.uint8)) == pytest.approx(expected, abs=0.005)
    assert margin((quantised - 128).astype(np.int8)) == pytest.approx(expected, abs=0.005)


# ---- the ring ----


def test_the_folder_is_a_data_set(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS), [0.5, 0.4, 0.3, 0.2, 0.1, 0.6, 0.7, 0.8])
    report = check(open_dataset(tmp_path))
    assert report.problems == ()
    assert report.labels.names == LABELS.names
    assert sum(report.images.values()) == 8
    mask = cv2.imread(str(min((tmp_path / "masks").iterdir())), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, resize_mask(segmented(0, 0.5, 0.0).label_map, (48, 64)))


def test_names_sort_by_time_and_show_the_margin(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS), [0.5, 0.0412, 1.0])
    assert kept(tmp_path) == [5000, 412, 10000]
    newest = max((tmp_path / "images").iterdir()).stem
    assert re.fullmatch(r"\d{8}-\d{6}-\d{3}-m10000", newest)
    seconds = [time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - ago)) for ago in range(10)]
    assert newest[:15] in seconds


def test_the_least_unsure_gives_way_when_the_ring_is_full(tmp_path: Path) -> None:
    unsure = Unsure(tmp_path, LABELS, keep=3)
    feed(unsure, [0.5, 0.9, 0.2, 0.4, 0.95, 0.1])
    assert kept(tmp_path) == [2000, 4000, 1000]


def test_of_neighbours_in_time_the_most_unsure_is_kept(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS), [0.5, 0.3, 0.4, 0.9, 0.8, 0.7, 0.6, 0.65], apart_s=APART_S / 3)
    assert kept(tmp_path) == [3000, 6000]


def test_frames_without_a_margin_are_left_out(tmp_path: Path) -> None:
    unsure = Unsure(tmp_path, LABELS)
    unsure.write(segmented(0, None, 0.0))
    unsure.close(complete=True)
    assert kept(tmp_path) == []


def test_it_goes_on_with_what_is_there_and_leaves_other_files_alone(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS, keep=3), [0.5, 0.4, 0.3])
    for part, suffix in (("images", ".jpg"), ("masks", ".png")):
        (tmp_path / part / f"mine{suffix}").write_bytes(b"x")
    feed(Unsure(tmp_path, LABELS, keep=3), [0.45, 0.6], first=10)
    for part, suffix in (("images", ".jpg"), ("masks", ".png")):
        (tmp_path / part / f"mine{suffix}").unlink()
    assert sorted(kept(tmp_path)) == [3000, 4000, 4500]


def test_what_a_power_cut_left_is_removed(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS), [0.5, 0.4, 0.3, 0.2])
    names = sorted(path.stem for path in (tmp_path / "images").iterdir())
    (tmp_path / "masks" / f"{names[0]}.png").unlink()
    (tmp_path / "images" / f"{names[1]}.jpg").unlink()
    (tmp_path / "masks" / f"{names[2]}.png").write_bytes(b"")
    (tmp_path / "images" / f".{names[3]}-ab12.jpg").write_bytes(b"half")
    Unsure(tmp_path, LABELS)
    assert kept(tmp_path) == [2000]


def test_a_frame_that_somebody_took_out_makes_room(tmp_path: Path) -> None:
    unsure = Unsure(tmp_path, LABELS, keep=2)
    feed(unsure, [0.1, 0.2])
    for part in ("images", "masks"):
        min((tmp_path / part).iterdir()).unlink()
    feed(unsure, [0.8], first=10)
    assert sorted(kept(tmp_path)) == [2000, 8000]


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    feed(Unsure(tmp_path / "all", LABELS), [0.5, 0.4, 0.3, 0.2])
    sizes = [path.stat().st_size for part in ("images", "masks") for path in (tmp_path / "all" / part).iterdir()]
    cap = sum(sizes) * 5 // 8
    feed(Unsure(tmp_path / "some", LABELS, max_bytes=cap), [0.5, 0.4, 0.3, 0.2, 0.9])
    assert kept(tmp_path / "some") == [3000, 2000]
    assert sum(path.stat().st_size for path in (tmp_path / "some").glob("*/*")) <= cap


def test_a_frame_beyond_the_cap_alone_is_left_out(tmp_path: Path) -> None:
    feed(Unsure(tmp_path, LABELS, max_bytes=100), [0.5, 0.4])
    assert kept(tmp_path) == []


def test_the_cameras_own_jpeg_is_kept_as_it_came(tmp_path: Path) -> None:
    unsure, came = Unsure(tmp_path, LABELS), segmented(0, 0.5, 0.0, jpeg=True)
    unsure.write(came)
    unsure.close(complete=True)
    assert next((tmp_path / "images").iterdir()).read_bytes() == came.frame.jpeg


def test_masks_of_other_classes_are_not_mixed_in(tmp_path: Path) -> None:
    Unsure(tmp_path, LABELS)
    with pytest.raises(OutputError, match="other classes"):
        Unsure(tmp_path, Labels.from_names(["road", "sky"]))


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another place"):
        Unsure(tmp_path / "file" / "ring", LABELS)


def test_a_full_disk_is_reported_and_the_ring_goes_on_later(tmp_path: Path, full_disk: Callable) -> None:
    unsure = Unsure(tmp_path, LABELS)
    unsure.write(segmented(0, 0.5, 0.0))
    with full_disk(50), pytest.raises(OutputError, match="free some space"):
        unsure.write(segmented(1, 0.4, 10.0))
    unsure.close(complete=False)
    feed(unsure, [0.3])
    assert kept(tmp_path) == [3000]
