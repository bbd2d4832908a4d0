import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import SourceError
from edgeseg.live.config import LoopConfig
from edgeseg.live.run import run
from edgeseg.segmenter import Segmenter
from edgeseg.sources import open_source
from edgeseg.sources.frame import Frame
from edgeseg.stats import LiveStats

ROOT = Path(__file__).parents[2]
BELT = "belt:?size=64x96&frames=12"


def test_every_frame_reaches_every_sink(int8_model: Path, tmp_path: Path) -> None:
    stats = run(Segmenter(int8_model), open_source(BELT), [str(tmp_path / "out.mp4"), f"{tmp_path}/masks/"])
    assert stats.frames == 12
    assert stats.dropped == 0
    assert len(list((tmp_path / "masks").iterdir())) == 12
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 12


def test_written_masks_are_what_the_segmenter_says(int8_model: Path, tmp_path: Path) -> None:
    segmenter = Segmenter(int8_model)
    run(segmenter, open_source(BELT), [f"{tmp_path}/masks/"])
    frames = list(open_source(BELT).frames())
    for frame in frames[::5]:
        mask = cv2.imread(str(tmp_path / "masks" / f"{frame.name}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, segmenter(frame.image))


def test_areas_are_those_of_the_masks(int8_model: Path, tmp_path: Path) -> None:
    stats = run(Segmenter(int8_model), open_source(BELT), [f"{tmp_path}/masks/"])
    masks = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (tmp_path / "masks").iterdir()]
    assert sum(stats.areas.values()) == pytest.approx(1)
    assert stats.areas["belt"] == pytest.approx(np.mean([np.mean(mask == 0) for mask in masks]), abs=1e-6)


def test_frames_end_the_loop(int8_model: Path) -> None:
    assert run(Segmenter(int8_model), open_source("belt:?size=64x96"), config=LoopConfig(max_frames=3)).frames == 3


class Breaking:
    """A source that ends in the way it is told to."""

    fps, total, live, dropped, state, prepare, closed = 10.0, None, False, 0, "", None, False

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self.notes: list[str] = []

    def frames(self):
        yield Frame(np.zeros((64, 96, 3), np.uint8), "0", 0.0)
        raise self._error

    def close(self) -> None:
        self.closed = True


def test_a_source_that_breaks_off_leaves_nothing_under_the_final_name(int8_model: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        run(Segmenter(int8_model), Breaking(SourceError("gone")), [str(tmp_path / "out.mp4")])
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.mp4"]


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT])
def test_ctrl_c_and_sigterm_finish_the_video(way: signal.Signals, int8_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.avi"
    command = [sys.executable, "-m", "edgeseg", "live", str(int8_model), "--source", "belt:?fps=30", "--out", str(out)]
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what CI runs in the background may ignore it
    with subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=heeds
    ) as process:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(way)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(printed)["frames"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["o.avi"]


def test_the_command_prints_its_figures_as_json(edgeseg: Callable, int8_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.mp4"
    result = edgeseg("live", int8_model, "--source", BELT, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["frames"] == 12
    assert {"frames", "fps", "seconds", "invoke_ms", "overhead_ms", "dropped", "class_areas"} < set(figures)
    assert out.is_file()


def test_stats_without_frames_are_zero() -> None:
    assert LiveStats(0, 0.0, 0.0, 0.0, 0, {}).fps == 0
