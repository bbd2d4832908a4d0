"""The CPU time of a mask against what MediaPipe's ImageSegmenter takes, on the same file."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgeseg.bench.result import Result, Setting, alternate, median_ratio
from edgeseg.errors import UsageError
from edgeseg.images import Image
from edgeseg.segmenter import Segmenter

PIXELS, GOALS = (256 * 256, 360 * 480), (6.0, 3.4)
"""How many times less, by the pixels of picture and mask; in between, in proportion."""
FRAMES = "frames.npy"
WITH_CONFIDENCES, CATEGORIES = "all", "categories"
"""MediaPipe gives confidences, a picture for each class, unless it is told not to."""
CHILD = Path(__file__).with_name("peer_child.py")


def mediapipe(setting: Setting) -> Iterator[Result]:
    """A mask at the model's own size, which needs no stretching; MediaPipe with what it gives unless told otherwise."""
    model = setting.open()
    height, width = model.size
    value, detail = _times(setting, model)
    goal = float(np.interp(height * width, PIXELS, GOALS))
    what = f"MediaPipe's CPU for a mask of {height}x{width}, times ours"
    yield Result("mediapipe", what, value, goal, True, "", detail)


def _times(setting: Setting, model: Segmenter) -> tuple[float | None, str]:
    if model.output == "labels":
        return None, "needs a model of scores: quantize --output scores"
    frames = [np.asarray(cv2.resize(image, model.size[::-1]), np.uint8) for image in setting.images]
    count = setting.frames(model)
    with tempfile.TemporaryDirectory(prefix="edgeseg-bench-") as folder:
        np.save(Path(folder) / FRAMES, np.stack(frames))
        with _Other(setting, Path(folder)) as other:
            if other.trouble:
                return None, other.trouble
            theirs, least, ours = alternate(
                setting.rounds,
                lambda: other.ask(WITH_CONFIDENCES, count),
                lambda: other.ask(CATEGORIES, count),
                lambda: _ours(model, frames, count),
            )
    milliseconds = [f"{1000 * statistics.median(values):.2f}" for values in (theirs, least, ours)]
    detail = "{} ms ({} without its confidences) against {}".format(*milliseconds)
    return median_ratio(theirs, ours), detail


def _ours(model: Segmenter, frames: list[Image], count: int) -> float:
    began = time.process_time()
    for index in range(count):
        model(frames[index % len(frames)])
    return (time.process_time() - began) / count


class _Other:
    """MediaPipe in a process of its own, ready to be asked, or with a word on why not."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        """`folder` holds the frames, and takes what MediaPipe says. Raises UsageError where there is no Python."""
        python = setting.mediapipe or Path(sys.executable)
        command = [str(python), "-P", str(CHILD), setting.model, str(folder / FRAMES)]
        self._said = folder / "said.txt"
        with self._said.open("w") as said:
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
                )
            except OSError as error:
                raise UsageError(f"{python}: cannot be run ({error.strerror}); name a Python with MediaPipe") from error
        self.trouble = "" if self._line() else self._reason()

    def __enter__(self) -> _Other:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, what: str, count: int) -> float:
        """CPU seconds for a frame, over so many."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {count}\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        """What it prints next; empty where it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _reason(self) -> str:
        lines = self._said.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        if "No module named 'mediapipe'" in lines[-1]:
            return "needs MediaPipe: name a Python that has it with --mediapipe"
        return f"MediaPipe does not run: {lines[-1]}"
