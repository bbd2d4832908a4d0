import math

import pytest

from edgeseg.bench.result import Setting
from edgeseg.bench.rows import ROWS, SOAK, chosen, measure
from edgeseg.errors import UsageError

QUICK = Setting("stub:?invoke_ms=2&size=64x64", rounds=1, block_s=0.05, peak_frames=100, soak_frames=400)


def test_without_a_choice_all_but_the_soak_are_measured() -> None:
    assert chosen([], soak=False) == [name for name in ROWS if name not in SOAK]
    assert chosen([], soak=True) == list(ROWS)


def test_a_choice_keeps_the_order_of_the_table() -> None:
    assert chosen(["page", "mask"], soak=False) == ["mask", "page"]
    assert chosen(["growth"], soak=False) == ["growth"]
    assert chosen(["mask"], soak=True) == ["mask", "growth"]


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="no figure is called 'speed'; known are mask, overlay, throughput, age"):
        chosen(["speed"], soak=False)


@pytest.mark.parametrize(
    ("name", "count", "low", "high"),
    [
        ("mask", 1, 0, 1),
        ("overlay", 1, 0, 1),
        ("page", 1, -5, 1),
        ("memory", 3, 20, 500),
        ("start", 1, 0.5, 50),
        ("growth", 1, -50, 50),
    ],
)
def test_a_row_measures_what_it_says(name: str, count: int, low: float, high: float) -> None:
    results = list(measure(QUICK, [name]))
    assert [each.name for each in results] == [name] * count
    for each in results:
        assert each.value is not None
        assert low < each.value < high
        assert each.met is (each.value >= each.goal if each.at_least else each.value <= each.goal)


def test_waiting_is_measured_with_a_stub_beside_the_model() -> None:
    ten, twenty_five = measure(QUICK, ["throughput"])
    assert "10 ms" in ten.what
    assert "25 ms" in twenty_five.what
    assert all(each.value and 0.1 < each.value < 1.5 for each in (ten, twenty_five))


@pytest.mark.slow
def test_age_is_that_beyond_the_inference() -> None:
    quick, slow = measure(QUICK, ["age"])
    assert "2 ms" in quick.what
    assert "100 ms" in slow.what
    assert all(each.value is not None and not math.isnan(each.value) and each.value > 0 for each in (quick, slow))
