import pytest

from edgeseg.bench.result import Result, Setting, alternate, bare, median_ratio


@pytest.mark.parametrize(
    ("value", "at_least", "met"),
    [(0.9, True, True), (0.8, True, False), (0.9, False, False), (0.8, False, True), (None, True, None)],
)
def test_a_goal_is_a_floor_or_a_ceiling(value: float | None, at_least: bool, met: bool | None) -> None:
    result = Result("mask", "share", value, 0.85, at_least)
    assert result.met is met
    assert result.to_json()["met"] is met


def test_measures_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    def measure(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    first, second = alternate(2, lambda: measure("a"), lambda: measure("b"))
    assert calls == ["a", "b"] * 3
    assert (first, second) == ([3, 5], [4, 6])


def test_a_ratio_is_taken_round_by_round() -> None:
    assert median_ratio([1, 100, 3], [2, 200, 12]) == 0.5


def test_a_block_lasts_about_as_long_as_it_should() -> None:
    setting = Setting("stub:?invoke_ms=10&size=64x64", block_s=0.5)
    assert 30 <= setting.frames(setting.open()) <= 50


def test_the_bare_inference_is_that_of_the_model() -> None:
    model = Setting("stub:?invoke_ms=0&size=8x8").open()
    model._input()[:] = 255
    bare(model)()
    assert model._output()[0, 0, 0] == 2
