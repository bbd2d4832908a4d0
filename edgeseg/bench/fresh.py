"""What can be measured in fresh processes alone: memory, and the time to the first mask."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeseg.bench.child import FRAMES, PICTURES
from edgeseg.bench.result import Result, Setting, alternate, median_ratio
from edgeseg.errors import EdgesegError, ModelError

PART = 10
"""Memory has settled after this part of the frames; the part after it is compared with the last one."""
MEMORY_GOALS = {"mask": 64.0, "capture": 78.0, "page": 95.0}
MEMORY_WHAT = {"mask": "mask only, from memory", "capture": "from the fake camera", "page": "camera, page and viewer"}
START_GOAL = 1.2
GROWTH_GOAL = 1.0
IMPORTS = "import numpy, cv2, ai_edge_litert.interpreter; print(flush=True)"
LIVE = "from edgeseg.cli import main; main()"


def memory(setting: Setting) -> Iterator[Result]:
    """The largest part of the memory that a loop ever held."""
    with _pictures(setting) as folder:
        for kind, goal in MEMORY_GOALS.items():
            peak = _child(setting, kind, folder, setting.peak_frames)["peak_mb"]
            yield Result("memory", f"peak memory, {MEMORY_WHAT[kind]}", peak, goal, False, "MB")


def growth(setting: Setting) -> Iterator[Result]:
    """What memory grows by while the page is open and watched."""
    frames = setting.soak_frames
    with _pictures(setting) as folder:
        mb = _child(setting, "page", folder, frames)["mb"]
    part = max(1, len(mb) // PART)
    early, late = statistics.median(mb[part : 2 * part]), statistics.median(mb[-part:])
    what = f"growth of memory over {frames} frames, page and viewer"
    yield Result("growth", what, late - early, GROWTH_GOAL, False, "MB", f"from {early:.1f} to {late:.1f} MB")


def start(setting: Setting) -> Iterator[Result]:
    """From the start of `edgeseg live` to the line about its first mask, against the imports alone."""
    with _pictures(setting) as folder:
        source = ["--source", str(folder / "one"), "--out", "jsonl:-", "--cores", str(setting.threads)]
        live = ["-c", LIVE, "live", setting.model, *source]
        firsts, imports = alternate(
            setting.rounds, lambda: _seconds(live, folder), lambda: _seconds(["-c", IMPORTS], folder)
        )
    detail = f"{statistics.median(firsts):.2f} against {statistics.median(imports):.2f} s"
    value = median_ratio(firsts, imports)
    yield Result("start", "first mask after start, against importing alone", value, START_GOAL, False, "", detail)


def _child(setting: Setting, kind: str, folder: Path, frames: int) -> dict[str, Any]:
    arguments = [kind, setting.model, str(setting.threads), str(folder), str(frames)]
    command = [sys.executable, "-m", "edgeseg.bench.child", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise ModelError(f"{setting.model}: the loop broke off in its own process ({reason[-1] if reason else '?'})")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _seconds(arguments: list[str], folder: Path) -> float:
    """From start to the first line of output; compiled modules are kept in `folder`, as an installation has them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder)
    command = [sys.executable, *arguments]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        said = process.communicate()[1].decode(errors="replace").strip()
    if process.returncode:
        raise EdgesegError(said.splitlines()[-1] if said else "a process that was to be measured died")
    return seconds


@contextmanager
def _pictures(setting: Setting) -> Iterator[Path]:
    """A folder with what the processes need: frames, pictures, and one picture alone."""
    with tempfile.TemporaryDirectory(prefix="edgeseg-bench-") as name:
        folder = Path(name)
        np.save(folder / FRAMES, np.stack(setting.images[:1]))
        for kind, count in (("pictures", PICTURES), ("one", 1)):
            (folder / kind).mkdir()
            for index, image in enumerate(setting.images[:count]):
                cv2.imwrite(str(folder / kind / f"{index}.jpg"), image)
        yield folder
