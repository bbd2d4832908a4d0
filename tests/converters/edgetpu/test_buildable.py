from collections.abc import Callable
from pathlib import Path

import pytest

from converters.edgetpu import buildable
from edgeseg.errors import GateError
from edgeseg.training.models import MODELS, small


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_network_maps_whole_at_the_largest_size(model: str) -> None:
    """The smaller ones are tests/converters/test_convert.py's."""
    report = buildable.predicted(model, (352, 480), 3, 11)
    assert report.mapped == 1.0, report.advice
    assert not report.rejected
    assert report.memory_share < 1


@pytest.mark.slow
def test_a_network_that_does_not_map_is_refused_with_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeseg.training.backend import keras, layers

    def resized(size: tuple[int, int], channels: int, num_classes: int) -> object:
        net = small.build(size, channels, num_classes)
        return keras.Model(net.input, layers.UpSampling2D(4, interpolation="bilinear", name="stretch")(net.output))

    monkeypatch.setattr(buildable, "build", lambda model, *rest: resized(*rest))
    with pytest.raises(GateError, match=r"small at 224x224 would not map .*RESIZE_BILINEAR.*--output logits"):
        buildable.require_mapped("small", (224, 224), 3, 5)


@pytest.mark.slow
def test_train_for_the_edge_tpu_asks_first(edgeseg: Callable, belt_set: Path, tmp_path: Path) -> None:
    arguments = ["--model", "nano", "--size", "64x96", "--epochs", "1", "--target", "edgetpu"]
    result = edgeseg("train", belt_set, "-o", tmp_path / "run", *arguments)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "best.keras").is_file()
    refused = edgeseg("train", belt_set, "-o", tmp_path / "other", "--target", "tflm")
    assert refused.returncode == 2
