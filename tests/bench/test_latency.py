import pytest

from edgeseg.bench.latency import BLOCK, LEAST_ROUNDS, WARM, Latency, measure
from edgeseg.live.models import open_model


def test_models_take_turns_block_by_block() -> None:
    quick, slow = open_model("stub:?invoke_ms=1&size=32x32"), open_model("stub:?invoke_ms=4&size=32x32")
    seen: list[float] = []
    found = measure([(quick, 1), (slow, 2)], 0.1, lambda gone, of: seen.append(gone / of))
    assert [each.threads for each in found] == [1, 2]
    assert len(found[0].blocks_ms) == len(found[1].blocks_ms) >= LEAST_ROUNDS
    assert {len(block) for each in found for block in each.blocks_ms} == {BLOCK - WARM}
    assert found[0].percentile_ms(50) >= 1
    assert found[1].percentile_ms(50) >= 4
    assert 0 < found[0].ratio_to(found[1]) < 1
    assert seen == sorted(seen)
    assert seen[-1] <= 1


def test_a_disturbed_round_does_not_move_the_ratio() -> None:
    own = Latency("a", 1, ((2.0, 2.0), (200.0, 200.0), (2.0, 2.0)))
    other = Latency("b", 1, ((4.0, 4.0), (4.0, 4.0), (4.0, 4.0)))
    assert own.ratio_to(other) == pytest.approx(0.5)


def test_percentiles_are_over_all_rounds() -> None:
    latency = Latency("a", 1, tuple((float(ms),) for ms in range(1, 101)))
    assert latency.to_json() == {
        "model": "a",
        "threads": 1,
        "inferences": 100,
        "p50_ms": 50.5,
        "p90_ms": pytest.approx(90.1),
        "p99_ms": pytest.approx(99.01),
    }
