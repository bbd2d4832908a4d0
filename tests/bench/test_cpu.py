import pytest

from edgeseg.bench.cpu import overlay_goal


@pytest.mark.parametrize(
    ("invoke_ms", "goal"), [(1.0, 0.60), (2.6, 0.60), (4.8, 0.68), (7.0, 0.76), (25.0, 0.95), (90.0, 0.95)]
)
def test_more_is_asked_of_a_loop_around_a_slower_network(invoke_ms: float, goal: float) -> None:
    assert overlay_goal(invoke_ms) == pytest.approx(goal)
