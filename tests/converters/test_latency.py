from itertools import count

import numpy as np
import pytest

from converters.latency import ROUNDS, latency_ratio


class Timed:
    """A segmenter whose inferences take given times, in ms, in turn."""

    def __init__(self, *times: float) -> None:
        self._times, self._runs = times, count()
        self.invoke_ms = 0.0

    def predict(self, images: np.ndarray) -> np.ndarray:
        self.invoke_ms = self._times[min(next(self._runs), len(self._times) - 1)]
        return images


IMAGE = np.zeros((4, 4, 3), np.uint8)


def test_below_one_the_model_is_faster() -> None:
    assert latency_ratio(Timed(5.0), Timed(20.0), [IMAGE]) == pytest.approx(0.25)


def test_the_first_round_does_not_count() -> None:
    slow_start = Timed(1000.0, 3.0)
    assert latency_ratio(slow_start, Timed(2.0), [IMAGE]) == pytest.approx(1.5)


def test_a_few_disturbed_rounds_change_nothing() -> None:
    disturbed = Timed(4.0, 4.0, *[400.0] * (ROUNDS // 3), 4.0)
    assert latency_ratio(disturbed, Timed(4.0), [IMAGE]) == pytest.approx(1.0)
