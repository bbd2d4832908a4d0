"""What one conversion is asked to do, and what it answers; plain data between two processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeseg.errors import UsageError

OUTPUTS = ("labels", "logits")
INPUTS = ("uint8", "int8")


@dataclass(frozen=True)
class Job:
    """One conversion."""

    model: str
    """The `.keras` file."""
    out: str
    """Where the worker writes; the caller gives it its final name."""
    scheme: str
    """A name in `converters.schemes.SCHEMES`."""
    output: str
    """'labels': uint8 class map of the input's size, made in the graph; 'logits': scores at the network's stride."""
    input: str
    """'uint8' or 'int8' pixels, for the schemes with integer ends."""
    calibration: tuple[str, ...]
    """Image files whose activations set the ranges."""
    held_out: tuple[str, ...]
    """Image files on which the result must agree with the source."""
    dataset: str | None
    """Folder of a labelled set on whose val part both are scored; None to leave that out."""
    ignore: tuple[int, ...]
    min_agreement: float
    """Smallest share of pixels on which source and result must agree, 0..1."""

    def __post_init__(self) -> None:
        if self.output not in OUTPUTS:
            raise UsageError(f"no output is called '{self.output}'; known are {', '.join(OUTPUTS)}")
        if self.input not in INPUTS:
            raise UsageError(f"no input is called '{self.input}'; known are {', '.join(INPUTS)}")

    def save(self, path: Path) -> None:
        """Write the job as JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Job:
        """Read what `save` wrote."""
        data: dict[str, Any] = json.loads(path.read_text())
        lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
        return cls(**(data | lists))


@dataclass(frozen=True)
class Result:
    """What a conversion came to."""

    bytes: int
    agreement: float
    """Share of held-out pixels on which source and result agree, 0..1."""
    held_out: int
    calibration: int
    """Frames used."""
    float_miou: float | None
    """Of the source on the val part, 0..1; None without a labelled set."""
    miou: float | None
    """Of the result."""
    drops: dict[str, float]
    """Loss of IoU by class name, in points of 100; negative where the result is better."""

    @property
    def drop(self) -> float | None:
        """Loss of mIoU in points of 100."""
        if self.float_miou is None or self.miou is None:
            return None
        return 100 * (self.float_miou - self.miou)
