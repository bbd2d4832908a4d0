"""An interpreter without a network: it takes its time, and gives masks that follow the picture.

`stub:?invoke_ms=10&size=256x256&classes=3&output=labels&hang_at=50&fail_at=9`, all optional, stands in
for a model's file wherever one is opened. It waits as an accelerator lets its host wait, and
hangs, if it is told to, as one does that has lost its cable.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import UsageError
from edgeseg.uri import read_options, read_size

SCHEME = "stub:"
OUTPUTS = ("labels", "logits")
STRIDE = 4
"""Input pixels, along a side, for each cell of logits."""
GREEN = 1
INPUT, OUTPUT = 0, 1
"""Indices of the two tensors."""
DEFAULTS = {"invoke_ms": "10", "size": "256x256", "classes": "3", "output": "labels", "hang_at": "0", "fail_at": "0"}


class StubInterpreter:
    """The part of LiteRT's `Interpreter` that `edgeseg.segmenter` uses."""

    def __init__(
        self,
        size: tuple[int, int] = (256, 256),
        classes: int = 3,
        invoke_ms: float = 10.0,
        output: str = "labels",
        hang_at: int | None = None,
        fail_at: int | None = None,
    ) -> None:
        """A model from (1, *size, 3) uint8 to class ids (1, *size) uint8, or to int8 logits at STRIDE.

        The class of a pixel is its share of green. At the `hang_at`-th inference, counted from 1,
        `invoke` never returns; from the `fail_at`-th on it raises RuntimeError. Raises UsageError
        for values that no model has.
        """
        if output not in OUTPUTS:
            raise UsageError(f"a stub has no output '{output}'; it has {' or '.join(OUTPUTS)}")
        if min(size) < STRIDE or not 2 <= classes <= 255 or invoke_ms < 0 or (hang_at is not None and hang_at < 1):
            raise UsageError(f"a stub has 2 to 255 classes, a size from {STRIDE}x{STRIDE} up, and nothing below zero")
        self._invoke_s, self._hang_at, self._fail_at = invoke_ms / 1000, hang_at, fail_at
        self._invoked = 0
        self.classes = classes
        """How many; class ids alone do not tell it."""
        self._class_of_level = (np.arange(256) * classes // 256).astype(np.uint8)
        self._given = np.zeros((1, *size, 3), np.uint8)
        cells = -(-size[0] // STRIDE), -(-size[1] // STRIDE)
        shape = (1, *size) if output == "labels" else (1, *cells, classes)
        self._made = np.zeros(shape, np.uint8 if output == "labels" else np.int8)

    def allocate_tensors(self) -> None:
        """Nothing to do."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """One tensor, as LiteRT describes it."""
        return [_details(INPUT, self._given)]

    def get_output_details(self) -> list[dict[str, Any]]:
        """One tensor; logits have a scale, class ids have none."""
        return [_details(OUTPUT, self._made)]

    def tensor(self, index: int) -> Callable[[], NDArray[Any]]:
        """A function that gives the tensor itself."""
        tensor = self._given if index == INPUT else self._made
        return lambda: tensor

    def invoke(self) -> None:
        """Make a mask of the input, and leave the core idle for the rest of the time."""
        ends = time.perf_counter() + self._invoke_s
        self._invoked += 1
        while self._invoked == self._hang_at:
            time.sleep(3600)
        if self._fail_at is not None and self._invoked >= self._fail_at:
            raise RuntimeError("the stub was told to fail")
        green = cv2.extractChannel(self._given[0], GREEN)
        if self._made.dtype == np.uint8:
            cv2.LUT(green, self._class_of_level, dst=self._made[0])
        else:
            levels = green[::STRIDE, ::STRIDE].astype(np.int16)
            for class_id in range(self.classes):
                middle = (2 * class_id + 1) * 128 // self.classes
                self._made[0, :, :, class_id] = 127 - np.minimum(np.abs(levels - middle), 254)
        time.sleep(max(0.0, ends - time.perf_counter()))


def parse(text: str) -> StubInterpreter:
    """The stub that `stub:?…` asks for; raises UsageError for options that it does not have."""
    options = read_options(text, DEFAULTS, query=text.removeprefix(SCHEME).lstrip("?"))
    try:
        hang_at, fail_at = (int(options[name]) or None for name in ("hang_at", "fail_at"))
        size, classes, invoke_ms = read_size(options["size"]), int(options["classes"]), float(options["invoke_ms"])
        return StubInterpreter(size, classes, invoke_ms, options["output"], hang_at, fail_at)
    except ValueError as error:  # UsageError is one
        raise UsageError(f"{text}: cannot be read ({error}); write it like stub:?invoke_ms=10&size=256x256") from error


def _details(index: int, tensor: NDArray[Any]) -> dict[str, Any]:
    scale = 0.1 if tensor.dtype == np.int8 else 0.0
    return {
        "index": index,
        "shape": np.array(tensor.shape),
        "shape_signature": np.array(tensor.shape),
        "dtype": tensor.dtype.type,
        "quantization": (scale, 0),
    }
