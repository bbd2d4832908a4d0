"""The process in which unknown models are tried: `python -m converters.tflm.worker FOLDER FRAMES`.

FOLDER holds model.tflite, a FlatBuffer without anything behind it. Prints one JSON object, the
fields of `Answer`, or {"error": "..."}. Native code runs in a fork each time, since a bad
model ends its process.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from converters.tflite import objects
from converters.tflite.operators import operators
from converters.tflm.cut import alone
from converters.tflm.runtime import interpreter
from converters.tflm.trials import KERNELS, PLENTY, compare, invoke, record
from edgeseg.errors import ModelError

LIMIT_S = 300
"""Seconds after which a trial counts as hanging."""
ALIGNMENT = 16
"""Bytes to whose multiples the interpreter rounds."""
_ARENA = re.compile(r"Arena allocation total (\d+) bytes")
_PLACE = re.compile(r"^\S+\.(?:cc|h)(?::\d+)? ")
"""The interpreter's own source file, which says nothing to a user."""
_NOISE = ("Traceback", "INFO:", "  ", "[Recording")
"""Beginnings of lines that give no reason."""


@dataclass(frozen=True)
class Answer:
    """What the trials came to; plain data between two processes."""

    reason: str = ""
    """The interpreter's first line against the model; empty where it runs."""
    arena_bytes: int | None = None
    refused: dict[int, str] = field(default_factory=dict)
    """By index, operators that do not run alone either, and the interpreter's first line."""
    agreements: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """By kernels of LiteRT in `KERNELS`, the fields of `converters.tflm.check.Agreement`; none where LiteRT fails."""


def main() -> None:
    """Try the model named on the command line."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    folder, frames = Path(sys.argv[1]), int(sys.argv[2])
    try:
        told = asdict(answer(folder, frames))
    except ModelError as error:
        told = {"error": str(error)}
    print(json.dumps(told), file=channel, flush=True)


def answer(folder: Path, frames: int) -> Answer:
    """Try the model in `folder` as a whole; where it fails, every operator alone."""
    data = (folder / "model.tflite").read_bytes()
    said, reason = isolated(partial(record, data, folder, frames))
    if reason:
        return Answer(reason, refused=_refused(data))
    arena = int(_ARENA.findall(said)[-1])
    while arena < PLENTY and isolated(partial(interpreter, data, arena))[1]:  # all memory is taken at the start
        arena += max(ALIGNMENT, arena // 1024 // ALIGNMENT * ALIGNMENT)
    agreements = {}
    for kernels in KERNELS:
        if not isolated(partial(compare, data, folder, kernels))[1]:
            agreements[kernels] = json.loads((folder / f"{kernels}.json").read_text())
    return Answer(arena_bytes=arena, agreements=agreements)


def isolated(trial: Callable[[], object]) -> tuple[str, str]:
    """Run `trial` in a fork: what it printed, and why it failed in a line, empty where it did not."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(said.fileno(), 2)
                signal.alarm(LIMIT_S)
                trial()
                code = 0
            except BaseException as error:  # noqa: BLE001  # the line is all that the parent hears
                kind = "" if isinstance(error, RuntimeError | ValueError) else f"{type(error).__name__}: "
                os.write(2, f"\n{kind}{error}\n".encode())
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        text = said.read().decode(errors="replace")
    if code == 0:
        return text, ""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_NOISE)]
    if lines:
        return text, _PLACE.sub("", lines[0])[:300]
    if code == -signal.SIGALRM:
        return text, f"it took longer than {LIMIT_S} s"
    return text, f"the interpreter died of {signal.Signals(-code).name}" if code < 0 else "no reason given"


def _refused(data: bytes) -> dict[int, str]:
    """Operators that do not run alone, by index, and why."""
    model = objects.read(data)
    reasons = {}
    for each in operators(data):
        # The fork has a copy of the model to use up, for nothing.
        if reason := isolated(partial(_run_alone, model, each.index, each.op))[1]:
            reasons[each.index] = reason
    return reasons


def _run_alone(model: Any, index: int, op: str) -> None:
    invoke(alone(model, index, op), PLENTY, [])


if __name__ == "__main__":
    main()
