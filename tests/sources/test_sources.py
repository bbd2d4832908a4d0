"""The contract that every source keeps, and what is special about each."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import SourceError
from edgeseg.scene.belt import Belt
from edgeseg.sources import SOURCES, Source, open_source
from edgeseg.sources.camera import CameraSource


def write_clip(path: Path, frames: int = 30, size: tuple[int, int] = (48, 64)) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, size[::-1])
    belt = Belt(0, size)
    for index in range(frames):
        writer.write(belt.frame(index)[0])
    writer.release()
    return path


def write_folder(path: Path) -> Path:
    path.mkdir()
    for name in ("b", "a", "c"):
        cv2.imwrite(str(path / f"{name}.png"), np.full((48, 64, 3), ord(name), np.uint8))
    (path / "notes.txt").write_text("not an image")
    return path


class RecordedCamera:
    """Plays frames of the belt at a steady rate, as a driver would."""

    def __init__(self, frames: int, fps: float) -> None:
        self._belt, self._left, self._pause = Belt(0, (48, 64)), frames, 1 / fps
        self.released = False

    def get(self, what: int) -> float:
        return 1 / self._pause

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self._pause)
        self._left -= 1
        return (True, self._belt.frame(self._left)[0]) if self._left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


OPEN: dict[str, Callable[[Path], Source]] = {
    "belt": lambda path: open_source("belt:?size=48x64&frames=3"),
    "folder": lambda path: open_source(str(write_folder(path / "pictures"))),
    "video": lambda path: open_source(str(write_clip(path / "clip.avi", 3))),
    "camera": lambda path: CameraSource("0", RecordedCamera(100, 60)),
}


def test_each_listed_source_has_a_contract_test() -> None:
    assert {module.__name__.rsplit(".", 1)[1] for module in SOURCES} == set(OPEN)


@pytest.mark.parametrize("kind", OPEN)
def test_frames_are_bgr_with_a_name_and_a_time(kind: str, tmp_path: Path) -> None:
    source = OPEN[kind](tmp_path)
    try:
        taken = [frame for frame, _ in zip(source.frames(), range(3), strict=False)]
    finally:
        source.close()
        source.close()
    assert len(taken) == 3
    assert len({frame.name for frame in taken}) == 3
    assert all(frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8 for frame in taken)
    assert sorted(frame.captured for frame in taken) == [frame.captured for frame in taken]
    assert source.fps > 0
    assert "capture" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("kind", ["belt", "folder", "video"])
def test_files_give_every_frame_even_to_a_slow_taker(kind: str, tmp_path: Path) -> None:
    source = OPEN[kind](tmp_path)
    names = []
    for frame in source.frames():
        time.sleep(0.05)
        names.append(frame.name)
    assert len(names) == 3
    assert source.dropped == 0
    assert source.total == 3


def test_a_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    assert [frame.name for frame in OPEN["folder"](tmp_path).frames()] == ["a", "b", "c"]


def test_a_slow_taker_of_a_camera_gets_the_newest_frame_and_the_rest_are_counted() -> None:
    source = CameraSource("0", RecordedCamera(200, 100))
    ages, names = [], []
    for frame in source.frames():
        ages.append(time.monotonic() - frame.captured)
        names.append(int(frame.name))
        time.sleep(0.1)
        if len(names) == 5:
            break
    source.close()
    assert sorted(ages)[2] < 0.09  # not frames that waited through the taker's 0.1 s
    assert source.dropped >= 5
    assert names == sorted(set(names))


def test_a_camera_that_goes_away_is_reported() -> None:
    capture = RecordedCamera(2, 100)
    source = CameraSource("7", capture)
    with pytest.raises(SourceError, match="7: the camera has gone away"):
        for _ in source.frames():
            pass
    source.close()
    assert capture.released


def test_an_absent_camera_lists_those_there_are() -> None:
    with pytest.raises(SourceError, match="this machine has"):
        open_source("camera:/dev/video97")


def test_a_video_that_ends_in_the_middle_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", 60)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    taken = []

    def take() -> None:
        for frame in open_source(str(clip)).frames():
            taken.append(frame)

    with pytest.raises(SourceError, match=r"clip\.avi: breaks off after \d+ of 60 frames"):
        take()
    assert 5 < len(taken) < 55


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("belt:?sizes=3", "knows seed, size"),
        ("belt:?size=big", "write it like"),
        ("belt:?size=8x8", "32x32"),
        ("nowhere.mp4", "there is no such video"),
        ("gopher://x/y", "known are"),
    ],
)
def test_wrong_uris_say_what_is_right(uri: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        open_source(uri)


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"hello" * 100)
    with pytest.raises(SourceError, match="cannot be opened as a video"):
        open_source(str(tmp_path / "a.mp4"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no images"):
        open_source(str(tmp_path))


def test_a_paced_belt_keeps_its_rate() -> None:
    started = time.monotonic()
    frames = list(open_source("belt:?size=48x64&frames=6&fps=20").frames())
    assert len(frames) == 6
    assert time.monotonic() - started >= 5 / 20
