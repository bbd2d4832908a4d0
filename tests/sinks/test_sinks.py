"""The contract that every sink keeps, and what is special about each."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.sinks import SINKS, open_sink
from edgeseg.sources.frame import Frame

LABELS = Labels.from_names(["background", "thing"])
MAP = np.array([[0, 1], [1, 0]], np.uint8)


def frame(number: int, size: tuple[int, int] = (48, 64)) -> Frame:
    return Frame(np.full((*size, 3), 100, np.uint8), f"{number:06d}", 0.0)


TARGETS: dict[str, Callable[[Path], str]] = {
    "video": lambda path: str(path / "out.avi"),
    "masks": lambda path: f"{path / 'masks'}/",
}


def test_each_listed_sink_has_a_contract_test() -> None:
    assert {module.__name__.rsplit(".", 1)[1] for module in SINKS} == {*TARGETS, "window"}


@pytest.mark.parametrize("kind", TARGETS)
def test_what_was_written_is_there_after_closing(kind: str, tmp_path: Path) -> None:
    uri = TARGETS[kind](tmp_path)
    sink = open_sink(uri, LABELS, 10)
    for number in range(3):
        sink.write(frame(number), MAP)
    sink.close(complete=True)
    if kind == "masks":
        written = sorted(Path(uri).iterdir())
        assert [path.name for path in written] == ["000000.png", "000001.png", "000002.png"]
        mask = cv2.imread(str(written[0]), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (48, 64)
        assert mask[10, 10] == 0
        assert mask[10, 50] == 1
    else:
        capture = cv2.VideoCapture(uri)
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
        assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
        picture = capture.read()[1]
        assert picture.shape == (48, 64, 3)
        assert np.abs(picture[44, 60].astype(int) - 100).max() < 30  # class 0 leaves the frame as it is
        assert np.abs(picture[44, 4].astype(int) - 100).max() > 30
    assert list(tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("kind", TARGETS)
def test_an_unwritable_place_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another place"):
        open_sink(TARGETS[kind](tmp_path / "file"), LABELS, 10)


def test_a_broken_off_video_keeps_its_frames_under_another_name(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.avi"), LABELS, 10)
    sink.write(frame(0), MAP)
    sink.close(complete=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.avi"]
    assert cv2.VideoCapture(str(tmp_path / "out.partial.avi")).get(cv2.CAP_PROP_FRAME_COUNT) == 1


def test_a_video_without_frames_leaves_nothing(tmp_path: Path) -> None:
    open_sink(str(tmp_path / "out.mp4"), LABELS, 10).close(complete=True)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_does_not_break_the_video(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), LABELS, 10)
    sink.write(frame(0), MAP)
    sink.write(frame(1, (100, 90)), MAP)
    sink.close(complete=True)
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_a_live_source_is_shown_at_the_speed_of_the_world(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.avi"), LABELS, 10, live=True)
    for number, captured in enumerate((5.0, 5.5, 6.0)):
        sink.write(Frame(frame(number).image, str(number), captured), MAP)
    sink.close(complete=True)
    assert cv2.VideoCapture(str(tmp_path / "out.avi")).get(cv2.CAP_PROP_FRAME_COUNT) == 11


def test_a_full_disk_is_reported_and_leaves_no_broken_video(tmp_path: Path) -> None:
    program = (
        "import resource, sys, numpy as np; from edgeseg.sinks import open_sink; from edgeseg.labels import Labels; "
        "from edgeseg.sources.frame import Frame; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000)); rng = np.random.default_rng(0); "
        "sink = open_sink(sys.argv[1], Labels.numbered(2), 10)\n"
        "for i in range(30): sink.write(Frame(rng.integers(0, 255, (120, 160, 3), np.uint8), str(i), 0.0), "
        "np.zeros((2, 2), np.uint8))\n"
        "sink.close(True)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "out.mp4")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert "is the disk full?" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_masks_folder_keeps_what_it_held(tmp_path: Path) -> None:
    (tmp_path / "probe.png").write_bytes(b"mine")
    open_sink(f"{tmp_path}/", LABELS, 10).close(complete=True)
    assert (tmp_path / "probe.png").read_bytes() == b"mine"


def test_a_window_where_there_is_none_says_what_to_do() -> None:
    if "GUI:                           NONE" not in cv2.getBuildInformation():
        pytest.skip("this cv2 can open windows")
    with pytest.raises(OutputError, match="opencv-python"):
        open_sink("window:", LABELS, 10)


def test_an_unknown_output_lists_the_kinds() -> None:
    with pytest.raises(UsageError, match=r"masks/"):
        open_sink("out.xyz", LABELS, 10)
