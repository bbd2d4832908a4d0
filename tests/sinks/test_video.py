import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.video import LONGEST_GAP_S

Info = Callable[..., LoopInfo]
Make = Callable[..., Segmented]


def frames(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv"])
def test_classes_with_a_colour_are_painted_and_the_others_left(
    suffix: str, tmp_path: Path, info: Info, segmented: Make
) -> None:
    path = tmp_path / f"out.{suffix}"
    sink = open_sink(str(path), info())
    for number in range(3):
        sink.write(segmented(number))
    sink.close(complete=True)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    picture = capture.read()[1]
    assert picture.shape == (48, 64, 3)
    assert np.abs(picture[44, 60].astype(int) - 100).max() < 30
    assert np.abs(picture[44, 4].astype(int) - 100).max() > 30


def test_each_broken_off_video_keeps_its_frames_under_a_name_of_its_own(
    tmp_path: Path, info: Info, segmented: Make
) -> None:
    for count in (1, 2, 3):
        sink = open_sink(str(tmp_path / "out.avi"), info())
        for number in range(count):
            sink.write(segmented(number))
        sink.close(complete=False)
    names = ["out.partial-2.avi", "out.partial-3.avi", "out.partial.avi"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert [frames(tmp_path / name) for name in names] == [2, 3, 1]


def test_a_video_without_frames_leaves_nothing(tmp_path: Path, info: Info) -> None:
    open_sink(str(tmp_path / "out.mp4"), info()).close(complete=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_that_name_is_refused(tmp_path: Path, info: Info) -> None:
    (tmp_path / "out.mp4").mkdir()
    with pytest.raises(OSError, match="is a folder; give the name of a file"):
        open_sink(str(tmp_path / "out.mp4"), info())


def test_a_frame_of_another_size_does_not_break_the_video(tmp_path: Path, info: Info, segmented: Make) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), info())
    sink.write(segmented(0))
    sink.write(segmented(1, (100, 90)))
    sink.close(complete=True)
    assert frames(tmp_path / "out.mp4") == 2


def test_a_live_source_is_shown_at_the_speed_of_the_world(tmp_path: Path, info: Info, segmented: Make) -> None:
    sink = open_sink(str(tmp_path / "out.avi"), info(live=True))
    for number, captured in enumerate((5.0, 5.5, 6.0)):
        sink.write(segmented(number, captured=captured))
    sink.close(complete=True)
    assert frames(tmp_path / "out.avi") == 11


def test_of_an_hour_without_frames_only_the_first_seconds_are_shown(
    tmp_path: Path, info: Info, segmented: Make
) -> None:
    sink = open_sink(str(tmp_path / "out.avi"), info(live=True))
    for number, captured in enumerate((5.0, 3605.0, 3605.5)):
        sink.write(segmented(number, captured=captured))
    sink.close(complete=True)
    assert frames(tmp_path / "out.avi") == 1 + LONGEST_GAP_S * 10 + 5


PROGRAM = """
import resource, sys, numpy as np
from edgeseg.labels import Labels
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources.frame import Frame

resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
rng = np.random.default_rng(0)
sink = open_sink(sys.argv[1], LoopInfo(Labels.numbered(2), 10, live=False))
for number in range(30):
    frame = Frame(rng.integers(0, 255, (120, 160, 3), np.uint8), str(number), 0.0)
    sink.write(Segmented(frame, np.zeros((2, 2), np.uint8), number, 1.0, 1.0))
sink.close(sys.argv[2] == "complete")
"""


def on_a_full_disk(path: Path, how: str) -> str:
    """Write a video that does not fit; gives the error."""
    command = [sys.executable, "-c", PROGRAM, str(path), how]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2]).stderr


def test_a_full_disk_is_reported_and_leaves_no_broken_video(tmp_path: Path) -> None:
    assert "is the disk full?" in on_a_full_disk(tmp_path / "out.mp4", "complete")
    assert list(tmp_path.iterdir()) == []


def test_of_a_video_that_broke_off_is_kept_what_there_is(tmp_path: Path) -> None:
    on_a_full_disk(tmp_path / "out.mp4", "broken off")
    (kept,) = tmp_path.iterdir()
    assert kept.name == "out.partial.mp4"
    assert frames(kept) <= 0  # no player opens it
    assert kept.stat().st_size > 10_000
