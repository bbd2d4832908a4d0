"""Converting, as callers see it: a source, a scheme, and a file that has proved itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from converters.calibration import Chosen, choose
from converters.job import Job, Options
from converters.report.result import Result
from converters.schemes import scheme as find_scheme
from converters.sources import kind_of
from edgeseg.errors import ConversionError, MissingExtraError, ModelError, UsageError
from edgeseg.files import replacing
from edgeseg.training.run import best_model

OnProgress = Callable[[str, int, int], None]
"""Gets (stage, done, total)."""
EXTRAS = {"tensorflow": "TensorFlow", "keras": "Keras", "litert_quantizer": "litert-quantizer"}
"""Modules of the extra 'convert', and what people call them."""


def convert(
    source: Path,
    out: Path,
    scheme: str,
    calibrate: Path,
    options: Options | None = None,
    on_progress: OnProgress | None = None,
) -> Result:
    """Convert a run folder, `.keras` file, SavedModel or float `.tflite` to the `.tflite` at `out`.

    `calibrate` is a labelled set or a folder of images; its train part calibrates, its val
    part proves. Raises ConversionError where the converter fails; the result may have
    `failures` of the gate: then, as after an error, `out` is as it was before.
    """
    options = options or Options()
    if out.suffix != ".tflite":
        raise UsageError(f"{out}: the output's name must end in .tflite")
    find_scheme(scheme)
    model = _model_of(source)
    chosen = choose(
        calibrate, options.frames, options.ignore, lambda *at: on_progress("read", *at) if on_progress else None
    )
    with replacing(out) as temporary:
        result = _run(_job(model, temporary, out.name, scheme, options, chosen), on_progress)
        if result.failures:
            temporary.unlink()
    return result


def _model_of(source: Path) -> Path:
    """The model file or folder that `source` means; raises ModelError or DataError where there is none."""
    kind_of(source)
    model = source if (source / "saved_model.pb").is_file() else best_model(source)
    if not model.exists():
        raise ModelError(f"{model}: there is no such file; give a run folder, .keras, SavedModel or float .tflite")
    return model


def _job(model: Path, out: Path, name: str, scheme: str, options: Options, chosen: Chosen) -> Job:
    dataset = str(chosen.dataset) if chosen.dataset else None
    frames, held_out = tuple(map(str, chosen.frames)), tuple(map(str, chosen.held_out))
    return Job(str(model), str(out), name, scheme, options, frames, held_out, dataset, asdict(chosen.coverage))


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
            return Result.from_json(answer["result"])
        if "error" in answer:
            raise (UsageError if answer["kind"] == "UsageError" else ConversionError)(answer["error"])
        text = log.read_text(errors="replace")
        for module, library in EXTRAS.items():
            if f"No module named '{module}'" in text:
                raise MissingExtraError(library, "convert")
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
