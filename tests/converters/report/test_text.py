from collections.abc import Callable

import pytest

from converters.report.result import Result
from converters.report.text import overview, summary

Make = Callable[..., Result]
LONG = "protective_helmet_with_visor_up"


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_the_summary_states_every_figure(make_result: Make) -> None:
    text = summary(make_result())
    assert "net_int8.tflite: 123 kB, int8 (float32: 457 kB)" in text
    assert "takes 0.47 times as long as float32" in text
    assert "calibrated on 24 of 40 images" in text
    assert "agrees with its source on 96.4 % of the pixels of 8 images" in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if "%" in line}
    assert rows["belt"] == ["93.1", "%", "92.0", "%", "-1.11"]
    assert rows["washer"] == ["71.2", "%", "65.3", "%", "-5.89"]
    assert rows["nut"] == ["50.2", "%", "51.3", "%", "+1.09"]
    assert rows["mIoU"] == ["71.5", "%", "69.5", "%", "-1.97"]
    assert rows["boundary"] == ["mIoU", "35.8", "%", "34.8", "%", "-0.98"]
    assert "decode4_up: its values are off by 42.0 % of their spread, most of it from here" in " ".join(text.split())
    assert "stem:" not in text  # nothing arises there
    assert "note: its input range was found out" in text
    assert "warning: no calibration frame shows nut" in text
    assert "refused" not in text
    assert "refused: it is bad" in summary(make_result(failures=("it is bad",)))


def test_without_masks_the_summary_says_so(make_result: Make) -> None:
    assert "no masks to score it with: mIoU was not measured" in summary(make_result(None))
    assert "calibrated" not in summary(make_result(coverage=None))


@pytest.mark.parametrize("name", ["belt", LONG])
def test_the_summary_keeps_within_80_columns(make_result: Make, name: str) -> None:
    failures = make_result({name: (0.912, 0.3), "b": (1.0, 1.0)}).judged(0.99, 0.1, 0.1).failures
    warnings = (
        "12 of 58 tensors saturate (decode4_smooth_depthwise, decode4_smooth_pointwise, stage3_0_expand …): images "
        "beyond the calibration frames go up to 341 % of the range past it; calibrate with such",
    )
    text = summary(make_result({name: (0.912, 0.3), "b": (1.0, 1.0)}, failures=failures, warnings=warnings))
    assert widest(text) <= 80
    assert widest(summary(make_result(None, failures=failures, warnings=warnings))) <= 80


def test_the_overview_has_a_row_for_each(make_result: Make) -> None:
    results = [
        make_result(scheme="float32", latency_ratio=1.0),
        make_result(),
        make_result(scheme="dynamic", failures=("it is bad",)),
    ]
    lines = overview(results).splitlines()
    assert lines[0].split() == ["scheme", "size", "mIoU", "points", "worst", "class", "time"]
    assert lines[3].split() == ["int8", "123", "kB", "69.5", "%", "-1.97", "washer", "-5.89", "0.47"]
    assert [line.endswith("refused") for line in lines[2:5]] == [False, False, True]


def test_the_overview_without_masks_gives_agreement(make_result: Make) -> None:
    lines = overview([make_result(None)]).splitlines()
    assert "agreement" in lines[0]
    assert lines[2].split() == ["int8", "123", "kB", "96.4", "%", "–", "–", "0.47"]


@pytest.mark.parametrize("name", ["belt", LONG])
def test_the_overview_keeps_within_80_columns(make_result: Make, name: str) -> None:
    result = make_result({name: (1.0, 0.0), "b": (1.0, 0.9)}, bytes=123_456_789, failures=("x",), latency_ratio=12.3)
    assert widest(overview([result, result])) <= 80
