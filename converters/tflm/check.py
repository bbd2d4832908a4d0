"""Whether a microcontroller can run a model, tried with the interpreter that it would use."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.tflite.operators import operators
from converters.tflm import runtime
from converters.tflm.rules import edit
from edgeseg.errors import GateError, ModelError

FRAMES = 4
"""Made pictures on which the interpreters are compared, unless told otherwise."""


@dataclass(frozen=True)
class Refusal:
    """One operator that the interpreter does not run."""

    index: int
    op: str
    reason: str
    """The interpreter's first line."""
    edit: str
    """What would help."""
    layer: str
    """Name of the operator's first output, which begins with the layer's."""


@dataclass(frozen=True)
class Agreement:
    """How far LiteRT gives the same first output for the same input."""

    kernels: str
    """'reference': its plain ones, which a microcontroller has too; 'default': those that run on a board."""
    equal: float
    """Share of the values that are the same, 0..1."""
    largest: float
    """Largest difference: steps of an integer output, units of a float one."""
    classes: float | None
    """Share of the pixels whose highest score is the same one, 0..1; None where the output has no scores."""


@dataclass(frozen=True)
class Report:
    """What TensorFlow Lite Micro makes of one model."""

    reason: str
    """The interpreter's first line against it; empty where it runs."""
    model_bytes: int
    """Of the FlatBuffer, which lies in flash; without what edgeseg or TFLite Metadata appended."""
    arena_bytes: int | None
    """The memory that it asked for on x86-64; None where it did not run."""
    operators: dict[str, int]
    """How many of each kind the main graph holds, in file order."""
    unsupported: tuple[Refusal, ...]
    """Operators that do not run alone either; empty where the model runs."""
    agreements: tuple[Agreement, ...]
    frames: int
    """Made pictures, from smooth to noise, that were compared."""

    @property
    def works(self) -> bool:
        """True where the interpreter ran it."""
        return not self.reason

    @property
    def advice(self) -> str:
        """What to do, in a sentence without a full stop."""
        if self.works:
            return "nothing needs to change"
        if not self.unsupported:
            return f"each operator runs alone, but not the model: {self.reason}"
        kinds: dict[str, dict[str, None]] = {}
        for each in self.unsupported:
            kinds.setdefault(each.edit, {})[each.op] = None
        return "; ".join(f"{', '.join(ops)}: {change}" for change, ops in kinds.items())

    def require(self, model: Path, max_arena: int | None = None) -> None:
        """Raise GateError where the model does not run, or needs more than `max_arena` bytes."""
        if not self.works:
            raise GateError(f"{model}: TensorFlow Lite Micro does not run it ({self.reason}); {self.advice}")
        if max_arena is not None and self.arena_bytes is not None and self.arena_bytes > max_arena:
            raise GateError(
                f"{model}: needs an arena of {self.arena_bytes} bytes, above {max_arena}; "
                "train for a smaller input (--size) or a smaller network (--model)"
            )

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg check --json` prints."""
        return {
            "works": self.works,
            "reason": self.reason,
            "model_bytes": self.model_bytes,
            "arena_bytes": self.arena_bytes,
            "operators": self.operators,
            "unsupported": [vars(each) for each in self.unsupported],
            "frames": self.frames,
            "agreements": [vars(each) for each in self.agreements],
        }


def check(data: bytes, frames: int = FRAMES) -> Report:
    """Try the model in `data`, the bytes of a .tflite, in a process of its own.

    Raises ModelError where that is none, MissingExtraError where tflite-micro is absent.
    """
    found = operators(data)
    runtime.require()
    model = runtime.flatbuffer(data)
    answer = _try(model, frames)
    refused = {int(index): reason for index, reason in answer["refused"].items()}
    unsupported = tuple(
        Refusal(each.index, each.op, refused[each.index], edit(each), each.outputs[0].name if each.outputs else "")
        for each in found
        if each.index in refused
    )
    agreements = tuple(Agreement(kernels, **figures) for kernels, figures in answer["agreements"].items())
    counts = dict(Counter(each.op for each in found))
    return Report(answer["reason"], len(model), answer["arena_bytes"], counts, unsupported, agreements, frames)


def check_file(path: Path, frames: int = FRAMES) -> Report:
    """`check` for a file; raises ModelError that names it."""
    try:
        return check(path.read_bytes(), frames)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a .tflite file") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _try(model: bytes, frames: int) -> dict[str, Any]:
    """The worker's answer; its death is an error message."""
    with tempfile.TemporaryDirectory(prefix="edgeseg-") as folder:
        (Path(folder) / "model.tflite").write_bytes(model)
        command = [sys.executable, "-P", "-m", "converters.tflm.worker", folder, str(frames)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0 and done.stdout:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if "error" in answer:
            raise ModelError(answer["error"])
        return answer
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
    raise ModelError(f"trying it stopped with exit code {done.returncode} ({said[-1][:300]}); convert the model again")
