"""What a converted file must show before it gets its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.tflite.operators import operators
from edgeseg.errors import ConversionError
from edgeseg.evaluate import Predictor
from edgeseg.images import preprocess, read_frame
from edgeseg.metrics import pixel_agreement

ENDS = {
    "QUANTIZE": frozenset({"uint8"}),
    "ARG_MAX": frozenset({"int32"}),
    "CAST": frozenset({"int32", "uint8"}),
}
"""Operators of the declared ends, and the types besides int8 that they may hold."""


def all_integer(data: bytes) -> None:
    """Raise ConversionError that names the first operator which does not compute in int8.

    Constants may be int32 (biases, shapes). The declared ends turn uint8 pixels into int8 and
    int8 scores into class ids.
    """
    for operator in operators(data):
        ends = ENDS.get(operator.op, frozenset())
        for tensor in (*operator.inputs, *operator.outputs):
            whole = tensor.dtype in {"int8", "int32"} if tensor.constant else tensor.dtype in {"int8"} | ends
            if not whole:
                raise ConversionError(
                    f"operator {operator.index} ({operator.op}) works in {tensor.dtype} at '{tensor.name}'; "
                    "replace that layer by one that int8 supports"
                )


def agreement(source: Predictor, result: Predictor, frames: Sequence[str], minimum: float) -> float:
    """Mean share of pixels on which two models agree over image files, 0..1.

    Raises ConversionError below `minimum`.
    """
    shares = []
    for path in frames:
        image = preprocess(read_frame(Path(path)), source.size, source.channels)[None]
        shares.append(pixel_agreement(source.predict(image)[0], result.predict(image)[0]))
    mean = float(np.mean(shares)) if shares else float("nan")
    if mean < minimum:
        raise ConversionError(
            f"the result agrees with its source on {100 * mean:.1f} % of the pixels, below {100 * minimum:.0f} %; "
            "calibrate with images like those of the camera, or train longer"
        )
    return mean
