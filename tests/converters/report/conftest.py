"""A result with every part filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from converters.calibration import Coverage
from converters.layers import LayerError
from converters.report.result import Result
from edgeseg.compare import Comparison, Difference, Judgement
from edgeseg.metrics import Scores

IOUS = {"belt": (0.9312, 0.9201), "washer": (0.7123, 0.6534), "nut": (0.5018, 0.5127)}


def judgement(column: int, ious: dict[str, tuple[float, float]]) -> Judgement:
    iou = {name: both[column] for name, both in ious.items()}
    boundary = {name: share / 2 for name, share in iou.items()}
    return Judgement(Scores(iou, sum(iou.values()) / len(iou), 0.9), boundary)


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """A function that makes a `Result`; `ious` is (before, after) by class, None without masks."""

    def make(ious: dict[str, tuple[float, float]] | None = IOUS, **changes: Any) -> Result:
        judged = [judgement(column, ious) if ious else None for column in (0, 1)]
        agreement = dict.fromkeys(ious or IOUS, 0.876)
        worst = (Difference("set/val/images/7.png", 0.8123, 0.151, 0.012),)
        result = Result(
            source="net",
            name="net_int8.tflite",
            scheme="int8",
            bytes=123_456,
            float_bytes=456_789,
            latency_ratio=0.47,
            comparison=Comparison(8, 0.9642, agreement, *judged, worst),
            coverage=Coverage(24, 40, (12.5, 99.0, 201.25), (13.0,), 0, 255, {"belt": 24, "washer": 3, "nut": 0}),
            layers=(
                LayerError("decode4_up", "TRANSPOSE_CONV", "net/decode4_up_1/BiasAdd", 0.42, 0.4, 19.0),
                LayerError("stem", "CONV_2D", "net/stem_1/Relu6", 0.02, 0.0, 1.5),
            ),
            float_layers=("net/logits_1/BiasAdd",),
            notes=("its input range was found out",),
            warnings=("no calibration frame shows nut; add images of it",),
            failures=(),
        )
        return replace(result, **changes)

    return make
