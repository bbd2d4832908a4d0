import pytest

from edgeseg.bench.projection import Projection, project
from edgeseg.boards import BOARDS


def by_name(macs: dict[str, int]) -> dict[str, Projection]:
    return {each.board.name: each for each in project(macs)}


def test_half_a_billion_multiplications_are_about_30_and_8_ms_on_the_boards() -> None:
    found = by_name({"int8": 500_000_000})
    assert found["rpi4"].ms == pytest.approx((25, 33.3), rel=0.01)
    assert found["rpi5"].ms == pytest.approx((6.67, 8.33), rel=0.01)
    assert found["rpi4"].fps == pytest.approx((30, 40), rel=0.01)
    assert list(found) == [board.name for board in BOARDS]


def test_types_add_up() -> None:
    int8, float32 = by_name({"int8": 10**9})["rpi4"].ms, by_name({"float32": 10**8})["rpi4"].ms
    both = by_name({"int8": 10**9, "float32": 10**8})["rpi4"].ms
    assert int8
    assert float32
    assert both == pytest.approx((int8[0] + float32[0], int8[1] + float32[1]))


@pytest.mark.parametrize("macs", [{}, {"int16": 10**6}, {"int8": 10**6, "int16": 1}])
def test_without_a_rate_there_is_no_projection(macs: dict[str, int]) -> None:
    found = by_name(macs)["rpi5"]
    assert found.ms is None
    assert found.fps is None
    assert found.to_json()["basis"]
