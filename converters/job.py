"""What one conversion is asked to do; plain data between two processes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeseg.errors import UsageError

OUTPUTS = ("labels", "logits", "scores")
INPUTS = ("uint8", "int8")


@dataclass(frozen=True)
class Options:
    """How to convert, where the defaults do not fit."""

    output: str | None = None
    """'labels': uint8 class map of the input's size, made in the graph; 'logits': scores at the
    network's stride; 'scores': the same at the input's size. None: 'labels', and for a .tflite what it gives."""
    input: str = "uint8"
    """'uint8' or 'int8' pixels, for the schemes with integer ends."""
    frames: int = 100
    """Images to calibrate with, at most."""
    ignore: tuple[int, ...] = ()
    """Class ids left out of the figures."""
    labels: str | None = None
    """A file of names for a model that carries none."""
    input_range: tuple[float, float] | None = None
    """What black and white are to a model that does not say it; None: found out, or [0, 1]."""
    score: bool = True
    """Score source and result on the val part of a labelled set."""
    report: str | None = None
    """Folder for report.json and report.html; None to leave them out."""
    min_agreement: float = 0.9
    """Smallest share of pixels on which source and result must agree, 0..1."""
    max_drop: float | None = None
    """Largest loss of mIoU in points of 100; for `mixed` the budget. Below 0 it must gain."""
    max_class_drop: float | None = None
    """Largest loss of IoU of one class in points of 100."""
    keep_float: tuple[str, ...] = ()
    """For `mixed`: regular expressions of layers that stay float, in place of a search."""

    def __post_init__(self) -> None:
        if self.output and self.output not in OUTPUTS:
            raise UsageError(f"no output is called '{self.output}'; known are {', '.join(OUTPUTS)}")
        if self.input not in INPUTS:
            raise UsageError(f"no input is called '{self.input}'; known are {', '.join(INPUTS)}")
        if self.frames < 1:
            raise UsageError(f"calibration needs at least 1 frame, not {self.frames}")
        for name in ("max_drop", "max_class_drop"):
            limit = getattr(self, name)
            if limit is not None and math.isnan(limit):
                raise UsageError(f"--{name.replace('_', '-')} is a number of points, not nan")
        if self.input_range and self.input_range[0] >= self.input_range[1]:
            raise UsageError(f"an input range ascends, as in 0,1; not {self.input_range[0]},{self.input_range[1]}")


@dataclass(frozen=True)
class Job:
    """One conversion."""

    model: str
    """The source: a `.keras` file, a SavedModel's folder or a float `.tflite`."""
    out: str
    """Where the worker writes; the caller gives it its final name."""
    name: str
    """The result's final name, for the report."""
    scheme: str
    """A name in `converters.schemes.SCHEMES`."""
    options: Options
    calibration: tuple[str, ...]
    """Image files whose activations set the ranges."""
    held_out: tuple[str, ...]
    """Image files on which the result must agree with the source where there are no masks."""
    dataset: str | None
    """Folder of a labelled set on whose val part both are scored; None to leave that out."""
    coverage: dict[str, Any]
    """What `converters.calibration.choose` found out about the frames, as JSON."""

    def save(self, path: Path) -> None:
        """Write the job as JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Job:
        """Read what `save` wrote."""
        data = tuples(json.loads(path.read_text()))
        return cls(**(data | {"options": Options(**tuples(data["options"]))}))


def tuples(data: dict[str, Any]) -> dict[str, Any]:
    """A mapping from JSON, which knows lists alone, with tuples for them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
