from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.judge import Judge
from edgeseg.compare import Sample, compare
from edgeseg.labels import Labels
from edgeseg.segmenter import Segmenter

LABELS = Labels.numbered(2)


@pytest.fixture(scope="module")
def above(to_tflite: Callable[..., bytes]) -> Callable[[float], bytes]:
    """A function that makes a model: class 1 where the mean of the channels is above a share of white."""
    from keras import layers

    def make(threshold: float) -> bytes:
        def build(x):
            weights = np.zeros((1, 1, 3, 2), np.float32)
            weights[..., 1] = 1 / 3
            return layers.Conv2D(
                2,
                1,
                kernel_initializer=lambda shape, dtype=None: weights,
                bias_initializer=lambda shape, dtype=None: np.array([threshold, 0], np.float32),
            )(x)

        return to_tflite((1, 8, 16, 3), build)

    return make


@pytest.fixture
def samples() -> list[Sample]:
    """Grey ramps, which the truth cuts at half of white."""
    ramp = np.linspace(0, 255, 16, dtype=np.uint8)[None].repeat(8, 0)
    pictures = [np.roll(ramp, shift, 1) for shift in (0, 3, 8)]
    return [
        Sample(str(number), np.dstack([picture] * 3), np.asarray(picture > 128, np.uint8))
        for number, picture in enumerate(pictures)
    ]


@pytest.fixture
def judge(above: Callable[[float], bytes], tmp_path: Path) -> Callable[..., Judge]:
    """A function from samples to a judge whose source cuts at a half."""
    (tmp_path / "source.tflite").write_bytes(above(0.5))

    def make(samples: list[Sample], told: list[int] | None = None) -> Judge:
        def write(path: Path, data: bytes) -> None:
            path.write_bytes(data)

        on_tried = told.append if told is not None else lambda tried: None
        return Judge(iter(samples), Segmenter(tmp_path / "source.tflite"), LABELS, write, on_tried)

    return make


def test_the_source_itself_loses_nothing(judge: Callable, samples: list[Sample], above: Callable) -> None:
    assert judge(samples)(above(0.5)) == 0.0


def test_the_loss_is_that_of_a_full_comparison(
    judge: Callable, samples: list[Sample], above: Callable, tmp_path: Path
) -> None:
    for threshold in (0.6, 0.75):
        (tmp_path / "other.tflite").write_bytes(above(threshold))
        models = (Segmenter(tmp_path / "source.tflite"), Segmenter(tmp_path / "other.tflite"))
        whole = compare(*models, samples, LABELS)
        assert judge(samples)(above(threshold)) == pytest.approx(whole.drop)
        assert whole.drop > 5


def test_a_better_candidate_loses_less_than_nothing(judge: Callable, samples: list[Sample], above: Callable) -> None:
    moved = [Sample(each.name, each.frame, np.asarray(each.frame[..., 0] > 178, np.uint8)) for each in samples]
    assert judge(moved)(above(0.7)) < -5


def test_without_a_truth_the_sources_masks_are_it(judge: Callable, samples: list[Sample], above: Callable) -> None:
    blind = judge([Sample(each.name, each.frame) for each in samples])
    assert blind(above(0.5)) == 0.0
    # Of 16 columns 8 are above a half, 6 above 0.6: class 0 has 8 of 10 right, class 1 has 6 of 8.
    assert blind(above(0.6)) == pytest.approx(100 * (1 - (8 / 10 + 6 / 8) / 2))


def test_a_truth_of_another_size_decides_the_size(judge: Callable, samples: list[Sample], above: Callable) -> None:
    large = [Sample(each.name, each.frame, each.truth.repeat(5, 0).repeat(5, 1)) for each in samples]
    assert judge(large)(above(0.6)) == pytest.approx(judge(samples)(above(0.6)))


def test_samples_are_read_once_for_many_candidates(judge: Callable, samples: list[Sample], above: Callable) -> None:
    told: list[int] = []
    judging = judge(samples, told)
    losses = [judging(above(threshold)) for threshold in (0.6, 0.5, 0.6)]
    assert losses[0] == losses[2] > losses[1] == 0.0
    assert told == [1, 2, 3]
