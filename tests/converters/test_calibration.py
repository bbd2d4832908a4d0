import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.calibration import DARK, FEW, HELD_OUT, Coverage, choose, scaled, spread, stream
from edgeseg.errors import DataError

WriteSet = Callable[..., Path]


@pytest.fixture
def write_set(tmp_path: Path) -> WriteSet:
    """Write a labelled set of flat grey pictures: by split, (brightness, {class id: pixels of 1024}) of each."""

    def write(labels: str = "a\nb\nc\n", **splits: list[tuple[int, dict[int, int]]]) -> Path:
        for split, pictures in splits.items():
            for number, (level, shares) in enumerate(pictures):
                mask = np.zeros(1024, np.uint8)
                start = 0
                for class_id, pixels in shares.items():
                    mask[start : start + pixels] = class_id
                    start += pixels
                save(tmp_path / "set" / split / "images" / f"{number:03d}.png", np.full((32, 32, 3), level, np.uint8))
                save(tmp_path / "set" / split / "masks" / f"{number:03d}.png", mask.reshape(32, 32))
        (tmp_path / "set" / "labels.txt").write_text(labels)
        return tmp_path / "set"

    return write


def save(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def numbers(paths: tuple[Path, ...]) -> list[int]:
    return [int(path.stem) for path in paths]


VAL = [(100, {})] * 3


def test_each_class_is_shown_by_its_quota_where_that_can_be(write_set: WriteSet) -> None:
    rare = {5: {1: 10}, 40: {1: 500}, 41: {1: 20}, 42: {1: 700}, 60: {2: 3}}
    data = write_set(train=[(128, rare.get(i, {})) for i in range(80)], val=VAL)
    chosen = choose(data, 24)  # a quarter of them for the classes: a quota of 2 for each of the three
    assert {40, 42, 60} <= set(numbers(chosen.frames))  # those that show most of b, and the only one of c
    assert chosen.coverage.classes == {"a": 24, "b": len({5, 40, 41, 42} & set(numbers(chosen.frames))), "c": 1}


def test_classes_that_many_show_take_no_frames_from_the_rest(write_set: WriteSet) -> None:
    levels = [3 * i for i in range(80)]
    data = write_set(train=[(level, {1: 100, 2: 100}) for level in levels], val=VAL)
    chosen = choose(data, 24)
    assert chosen.coverage.classes == {"a": 24, "b": 24, "c": 24}
    assert (min(numbers(chosen.frames)), max(numbers(chosen.frames))) == (0, 79)


@pytest.mark.parametrize("count", [5, 12, 40])
def test_frames_go_from_the_darkest_to_the_brightest(write_set: WriteSet, count: int) -> None:
    levels = np.random.default_rng(0).permutation(np.arange(0, 240, 3))
    data = write_set(train=[(int(level), {}) for level in levels], val=VAL)
    chosen = choose(data, count)
    assert len(set(chosen.frames)) == count
    assert chosen.coverage.brightness[0] == 0
    assert chosen.coverage.brightness[-1] == 237
    assert np.diff(chosen.coverage.brightness).max() <= 2.1 * 237 / (count - 2)
    assert (chosen.coverage.darkest, chosen.coverage.brightest) == (0, 237)


@pytest.mark.parametrize(("wanted", "found"), [(1, 1), (7, 7), (19, 19), (20, 20), (500, 20)])
def test_there_are_never_more_frames_than_asked_for(write_set: WriteSet, wanted: int, found: int) -> None:
    data = write_set(train=[(10 * i, {1: i, 2: 2 * i}) for i in range(20)], val=VAL)
    chosen = choose(data, wanted)
    assert len(set(chosen.frames)) == len(chosen.frames) == chosen.coverage.frames == found
    assert chosen.coverage.of == 20
    assert len(chosen.coverage.brightness) == found


def test_more_classes_than_frames_are_no_trouble(write_set: WriteSet) -> None:
    names = "".join(f"n{i}\n" for i in range(30))
    data = write_set(names, train=[(10 * i, {i: 200}) for i in range(20)], val=VAL)
    assert len(choose(data, 4).frames) == 4


def test_the_same_set_gives_the_same_frames(write_set: WriteSet) -> None:
    data = write_set(train=[(i * 7 % 250, {1: i % 5}) for i in range(60)], val=VAL)
    assert choose(data, 13) == choose(data, 13)


def test_frames_come_from_train_and_comparisons_from_val(write_set: WriteSet) -> None:
    data = write_set(train=[(100, {})] * 30, val=[(200, {})] * (HELD_OUT + 20))
    chosen = choose(data, 10)
    assert chosen.dataset == data
    assert {path.parent.parent.name for path in chosen.frames} == {"train"}
    assert {path.parent.parent.name for path in chosen.held_out} == {"val"}
    assert len(set(chosen.held_out)) == HELD_OUT
    assert set(chosen.coverage.others) == {200.0}


def test_ignored_classes_need_not_be_shown(write_set: WriteSet) -> None:
    data = write_set("a\nb\nvoid\n", train=[(100, {2: 50})] * 30, val=VAL)
    assert set(choose(data, 10).coverage.classes) == {"a", "b"}
    assert set(choose(data, 10, ignore=[1]).coverage.classes) == {"a"}


def test_a_plain_folder_is_divided_into_frames_and_others(tmp_path: Path) -> None:
    for i in range(40):
        save(tmp_path / f"{i:03d}.png", np.full((16, 16, 3), 6 * i, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    chosen = choose(tmp_path, 100)
    assert chosen.dataset is None
    assert len(chosen.frames) == 32
    assert len(chosen.held_out) == 8
    assert not set(chosen.frames) & set(chosen.held_out)
    assert chosen.coverage.classes == {}
    assert {0, 39} <= set(numbers(chosen.frames))
    few = choose(tmp_path, 3)
    assert (len(few.frames), len(few.held_out)) == (3, 37)


def test_a_folder_of_one_image_serves_for_both(tmp_path: Path) -> None:
    path = save(tmp_path / "only.png", np.full((16, 16, 3), 6, np.uint8))
    chosen = choose(tmp_path, 100)
    assert chosen.frames == chosen.held_out == (path,)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    for i in range(5):
        save(tmp_path / f"{i}.png", np.zeros((16, 16, 3), np.uint8))
    (tmp_path / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n, and then it broke off")
    with pytest.raises(DataError, match=r"3\.png: is not a readable image; export it again"):
        choose(tmp_path, 4)


def test_what_is_no_folder_of_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a folder; give a data set or a folder of images"):
        choose(tmp_path / "absent", 4)
    with pytest.raises(DataError, match="holds no data set"):
        choose(tmp_path, 4)


def test_reading_tells_how_far_it_is(write_set: WriteSet) -> None:
    seen: list[tuple[int, int]] = []
    choose(write_set(train=[(9, {})] * 6, val=VAL), 4, on_progress=lambda *at: seen.append(at))
    assert seen == [(number, 6) for number in range(1, 7)]


GOOD = Coverage(FEW, 50, tuple(map(float, range(20, 20 + FEW))), (21.0, 30.0), 0, 250, {"a": 20, "b": 1})


def test_good_frames_get_no_warning() -> None:
    assert GOOD.warnings() == []
    assert replace(GOOD, brightest=DARK, classes={}, others=()).warnings() == []
    assert replace(GOOD, others=(*[30.0] * 18, 0.0, 255.0)).warnings() == []  # a tenth outside: chance


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": FEW - 1}, f"only {FEW - 1} calibration frames: below {FEW}, ranges depend on chance"),
        ({"brightest": 1}, "the brightest calibration pixel is 1 of 255: these are floats saved as integers"),
        ({"brightest": 0}, "these are floats saved as integers"),
        ({"brightest": DARK - 1}, f"the brightest calibration pixel is {DARK - 1} of 255: brighter scenes will"),
        ({"brightest": 2}, "the brightest calibration pixel is 2 of 255: brighter scenes will"),
        ({"others": (19.9, 30.0, 30.0, 40.0)}, "50 % of the images to be segmented are darker or brighter than every"),
        ({"classes": {"a": 0, "b": 3, "c": 0}}, "no calibration frame shows a, c; add images of it"),
    ],
)
def test_each_flaw_gets_its_warning_and_no_other(change: dict, said: str) -> None:
    (warning,) = replace(GOOD, **change).warnings()
    assert said in warning
    assert "\n" not in warning


def test_choosing_finds_the_flaws_of_real_images(write_set: WriteSet) -> None:
    data = write_set("a\nb\nnever\n", train=[(i % 2, {1: 9}) for i in range(8)], val=[(150, {})] * 4)
    few, floats, outside, unseen = choose(data, 100).coverage.warnings()
    assert "only 8" in few
    assert "floats" in floats
    assert "100 %" in outside
    assert "shows never;" in unseen


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    return [str(save(tmp_path / f"{i}.png", rng.integers(50, 60, (40, 50, 3), np.uint8))) for i in range(6)]


def test_at_most_one_streamed_image_is_alive(pictures: list[str]) -> None:
    frames, seen = stream(pictures, (20, 24), 3), []
    for _ in pictures:
        seen.append(weakref.ref(next(frames)))
        gc.collect()
        assert sum(each() is not None for each in seen) <= 1
    assert next(frames, None) is None


def test_images_are_read_when_they_are_due(pictures: list[str]) -> None:
    frames = stream([*pictures[:2], "absent.png"], (20, 24), 3)
    next(frames)
    next(frames)
    with pytest.raises(DataError, match=r"absent\.png"):
        next(frames)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_image_spans_the_whole_range_and_the_others_are_as_they_are(
    pictures: list[str], channels: int
) -> None:
    first, second, *_ = stream(pictures, (20, 24), channels)
    assert first.shape == second.shape == (20, 24, channels)
    assert first.dtype == np.uint8
    assert (first[0, 0].tolist(), first[-1, -1].tolist()) == ([0] * channels, [255] * channels)
    assert 50 <= first[1:-1].min() <= first[1:-1].max() < 60
    assert 50 <= second.min() <= second.max() < 60


def test_one_channel_is_the_grey_of_the_colours(tmp_path: Path) -> None:
    blue = str(save(tmp_path / "blue.png", np.full((8, 8, 3), (255, 0, 0), np.uint8)))
    *_, grey = stream([blue, blue], (8, 8), 1)
    assert set(grey.ravel().tolist()) == {29}  # 0.114 of 255


def test_scaling_takes_black_and_white_to_the_ends() -> None:
    found = scaled(np.array([[[0], [255], [51]]], np.uint8), (-1.0, 1.0))
    assert found.dtype == np.float32
    assert found.ravel().tolist() == pytest.approx([-1.0, 1.0, -0.6])


def test_spreading_takes_both_ends_and_what_is_between() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread(range(3), 5) == [0, 1, 2]
    assert spread(range(10), 1) == [0]
    assert spread(range(10), 0) == []
