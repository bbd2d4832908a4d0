"""Whether a network will map to the Edge TPU, asked before it is trained."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from converters.convert import OnProgress, convert
from converters.edgetpu.check import Report, check_file
from converters.job import Options
from edgeseg.errors import GateError
from edgeseg.training.models import build

FRAMES = 4
"""Pictures of noise that give an untrained network some ranges."""


def predicted(
    model: str, size: tuple[int, int], channels: int, num_classes: int, on_progress: OnProgress | None = None
) -> Report:
    """The placement of the untrained network as int8 with logits out, as it will be compiled."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="edgeseg-") as name:
        folder = Path(name)
        (folder / "frames").mkdir()
        for number in range(FRAMES):
            noise = rng.integers(0, 256, (*size, 3), np.uint8)
            cv2.imwrite(str(folder / "frames" / f"{number}.png"), noise)
        build(model, size, channels, num_classes).save(folder / "network.keras")
        options = Options(output="logits", min_agreement=0)  # undecided between its classes as it is
        out = folder / "m.tflite"
        convert(folder / "network.keras", out, "int8", folder / "frames", options, on_progress).require()
        return check_file(out)


def require_mapped(
    model: str, size: tuple[int, int], channels: int, num_classes: int, on_progress: OnProgress | None = None
) -> None:
    """Raise GateError, which names the operator, where not all of the network would run on the Edge TPU."""
    report = predicted(model, size, channels, num_classes, on_progress)
    if report.mapped < 1 or report.rejected:
        raise GateError(
            f"{model} at {size[0]}x{size[1]} would not map to the Edge TPU whole, only {report.mapped:.0%} of its "
            f"operators; {report.advice}; choose another --model or a smaller --size"
        )
    if report.memory_share > 1:
        raise GateError(
            f"{model} has {report.memory_share:.1f} times the weights that the Edge TPU holds; choose a smaller --model"
        )
