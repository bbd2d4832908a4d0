"""Converting, as callers see it: a source, a scheme, and a file that has proved itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from converters.job import Job, Result
from converters.schemes import scheme as find_scheme
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import ConversionError, DataError, MissingExtraError, ModelError, UsageError
from edgeseg.files import replacing
from edgeseg.images import IMAGE_SUFFIXES
from edgeseg.training.run import best_model

OnProgress = Callable[[str, int, int], None]
"""Gets (stage, done, total)."""

MIN_AGREEMENT = 0.90
"""Source and result must agree on this share of the held-out pixels, unless told otherwise."""
HELD_OUT = 50
"""Frames on which they are compared, at most."""


def convert(
    source: Path,
    out: Path,
    scheme: str,
    calibrate: Path,
    output: str = "labels",
    input_type: str = "uint8",
    frames: int = 100,
    ignore: Iterable[int] = (),
    min_agreement: float = MIN_AGREEMENT,
    score: bool = True,
    on_progress: OnProgress | None = None,
) -> Result:
    """Convert a run folder or `.keras` file to the `.tflite` at `out`.

    `calibrate` is a labelled set or a folder of images; its train part calibrates, its val
    part proves. Raises ConversionError where the converter fails or the result does not
    prove itself; `out` is then as it was before.
    """
    if out.suffix != ".tflite":
        raise UsageError(f"{out}: the output's name must end in .tflite")
    model = best_model(source)
    if not model.is_file() or model.suffix != ".keras":
        raise ModelError(f"{model}: give a run folder or a .keras file")
    find_scheme(scheme)
    ignore = tuple(ignore)
    used, held_out, dataset = _choose(calibrate, frames, ignore)
    with replacing(out) as temporary:
        job = Job(
            model=str(model),
            out=str(temporary),
            scheme=scheme,
            output=output,
            input=input_type,
            calibration=tuple(map(str, used)),
            held_out=tuple(map(str, held_out)),
            dataset=str(dataset) if dataset and score else None,
            ignore=ignore,
            min_agreement=min_agreement,
        )
        return _run(job, on_progress)


def _choose(calibrate: Path, frames: int, ignore: Iterable[int]) -> tuple[list[Path], list[Path], Path | None]:
    """Images to calibrate with, images to compare on, and the labelled set if it is one."""
    if frames < 1:
        raise UsageError(f"calibration needs at least 1 frame, not {frames}")
    if not calibrate.is_dir():
        raise DataError(f"{calibrate}: is not a folder; give a data set or a folder of images")
    images = sorted(path for path in calibrate.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if images:
        used = spread(images, min(frames, max(1, len(images) * 4 // 5)))
        chosen = set(used)
        return used, spread([path for path in images if path not in chosen] or images, HELD_OUT), None
    dataset = open_dataset(calibrate, ignore)
    used = spread([pair.image for pair in dataset.split("train")], frames)
    return used, spread([pair.image for pair in dataset.split("val")], HELD_OUT), calibrate


def spread(paths: list[Path], count: int) -> list[Path]:
    """`count` of `paths` at even distances, or all where there are fewer."""
    if len(paths) <= count:
        return paths
    return [paths[i * (len(paths) - 1) // max(1, count - 1)] for i in range(count)]


def _run(job: Job, on_progress: OnProgress | None) -> Result:
    """Run the worker; its death is an error message."""
    with tempfile.TemporaryDirectory(prefix="edgeseg-") as folder:
        file, log = Path(folder) / "job.json", Path(folder) / "log.txt"
        job.save(file)
        command = [sys.executable, "-P", "-m", "converters.worker", str(file)]
        with (
            log.open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment()) as process,
        ):
            try:
                answer = _listen(process, on_progress)
            except BaseException:
                process.kill()
                raise
        if "result" in answer:
            return Result(**answer["result"])
        if "error" in answer:
            raise ConversionError(answer["error"])
        text = log.read_text(errors="replace")
        if "No module named 'tensorflow'" in text:
            raise MissingExtraError("TensorFlow", "convert")
        raise ConversionError(f"{job.model}: the converter {_death(process.returncode)}; {_last_words(text)}")


def _listen(process: subprocess.Popen[str], on_progress: OnProgress | None) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            continue  # a library that prints while it is imported
        told = json.loads(line)
        if "progress" not in told:
            answer = told
        elif on_progress:
            on_progress(*told["progress"])
    return answer


def _environment() -> dict[str, str]:
    return os.environ | {"KERAS_BACKEND": "tensorflow"}


def _death(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"stopped with exit code {code}"


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"it last said: {lines[-1][:300]}" if lines else "it said nothing"
