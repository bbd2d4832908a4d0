from __future__ import annotations

import numpy as np
import pytest

from converters.ranges import Ranges, gather
from edgeseg.errors import UsageError


@pytest.fixture
def ranges() -> Ranges:
    return gather(("image", "deep"), [([0.1, -2.0], [0.9, 4.0]), ([0.2, -4.0], [0.8, 8.0])])


def test_extremes_are_over_all_frames(ranges):
    assert ranges.frames == 2
    assert ranges.extremes() == {"image": pytest.approx((0.1, 0.9)), "deep": (-4.0, 8.0)}


def test_averages_are_of_the_frames_extremes(ranges):
    assert ranges.averaged().extremes() == {"image": pytest.approx((0.15, 0.85)), "deep": (-3.0, 6.0)}


def test_a_declared_range_replaces_what_was_seen_and_nothing_else(ranges):
    declared = ranges.declared("image", 0, 1)
    assert declared.extremes() == {"image": (0.0, 1.0), "deep": (-4.0, 8.0)}
    assert declared.averaged().extremes()["image"] == (0.0, 1.0)
    np.testing.assert_allclose(ranges.lows[:, 0], [0.1, 0.2])


@pytest.mark.parametrize(("name", "low", "high"), [("images", 0, 1), ("image", 1, 1), ("image", 1, 0)])
def test_what_cannot_be_declared_is_refused(ranges, name, low, high):
    with pytest.raises(UsageError):
        ranges.declared(name, low, high)
