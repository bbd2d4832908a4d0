"""Trying a model where a crash does no harm: a damaged file may take the interpreter's process with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from edgeseg.errors import ModelError

LIMIT_S = 120
PROGRAM = "import sys; from edgeseg.segmenter import Segmenter; Segmenter(sys.argv[1], runtime=sys.argv[2] or None)"


def require_survival(model: Path, runtime: str | None = None) -> None:
    """Load and run the `.tflite` once in a process of its own.

    Raises ModelError where that process dies or hangs. What it merely refuses, the caller
    will be refused too, with the reason.
    """
    command = [sys.executable, "-P", "-c", PROGRAM, str(model), runtime or ""]
    try:
        code = subprocess.run(command, capture_output=True, timeout=LIMIT_S).returncode
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{model}: runs for more than {LIMIT_S} s; it is damaged: copy or convert it again") from error
    if code < 0:
        name = signal.Signals(-code).name
        raise ModelError(f"{model}: crashes the interpreter ({name}); it is damaged: copy or convert it again")
