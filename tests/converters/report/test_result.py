import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from converters.report.result import LENIENT, Result
from edgeseg.errors import GateError

Make = Callable[..., Result]


def test_a_result_survives_json(make_result: Make) -> None:
    for result in (make_result(), make_result(None, coverage=None, layers=(), float_layers=(), failures=("x",))):
        assert Result.from_json(result.to_json()) == result
        assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_its_figures_are_those_of_the_comparison(make_result: Make) -> None:
    result = make_result({"a": (0.9, 0.8), "b": (0.7, 0.75)})
    assert result.float_miou == pytest.approx(0.8)
    assert result.miou == pytest.approx(0.775)
    assert result.agreement == 0.9642
    assert result.worst_class is not None
    assert result.worst_class == ("a", pytest.approx(10.0))
    blind = make_result(None)
    assert (blind.float_miou, blind.miou, blind.worst_class) == (None, None, None)


def test_a_result_within_the_limits_passes(make_result: Make) -> None:
    judged = make_result({"a": (0.90, 0.89), "b": (0.70, 0.69)}).judged(0.9642, 1.01, 1.01)
    assert judged.failures == ()
    judged.require()


@pytest.mark.parametrize(
    ("limits", "failures"),
    [
        ((0.97, 5, 9), ["it agrees with its source on 96.4 % of the pixels, below 97 % (--min-agreement)"]),
        ((0.9, 2.5, 9), ["it loses 3.00 points of mIoU, more than 2.5 (--max-drop)"]),
        ((0.9, 5, 3), ["a loses 4.00 points of IoU, more than 3 (--max-class-drop)"]),
        (
            (0.99, -1, -1),
            [
                "it agrees with its source on 96.4 % of the pixels, below 99 % (--min-agreement)",
                "it loses 3.00 points of mIoU, more than -1 (--max-drop)",
                "a loses 4.00 points of IoU, more than -1 (--max-class-drop)",
            ],
        ),
    ],
)
def test_each_limit_names_what_was_found_and_what_was_asked(
    make_result: Make, limits: tuple[float, float, float], failures: list[str]
) -> None:
    judged = make_result({"a": (0.90, 0.86), "b": (0.70, 0.68)}).judged(*limits)
    assert list(judged.failures) == failures


def test_without_masks_only_agreement_is_judged(make_result: Make) -> None:
    assert make_result(None).judged(0.9, -100, -100).failures == ()
    assert len(make_result(None).judged(0.99, -100, -100).failures) == 1


def test_figures_that_nobody_could_measure_fail(make_result: Make) -> None:
    result = make_result({"a": (float("nan"), float("nan"))})
    comparison = replace(result.comparison, agreement=float("nan"))
    assert len(replace(result, comparison=comparison).judged(0.0, 100, 100).failures) >= 2


@pytest.mark.parametrize(
    ("scheme", "remedy"),
    [
        ("int8", "try --scheme mixed, or train with --qat"),
        ("dynamic", "try --scheme mixed, or train with --qat"),
        ("mixed", LENIENT),
        ("qat", LENIENT),
    ],
)
def test_a_failure_is_one_line_with_a_remedy_and_exit_code_3(make_result: Make, scheme: str, remedy: str) -> None:
    with pytest.raises(GateError) as caught:
        make_result(scheme=scheme, failures=("first", "second")).require()
    assert str(caught.value) == f"net_int8.tflite was not written: first; second; {remedy}"
    assert caught.value.exit_code == 3
