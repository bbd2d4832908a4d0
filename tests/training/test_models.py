import numpy as np
import pytest

from edgeseg.errors import SizeError, UsageError
from edgeseg.training.models import MODELS, build, check_size
from edgeseg.training.predict import KerasPredictor

LIMITS = {"nano": 300_000, "nano-lite0": 300_000, "small": 1_200_000, "medium": 4_000_000, "fcn": 2_000_000}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_size_of_every_network(name: str, channels: int) -> None:
    stride = MODELS[name].output_stride
    model = build(name, (64, 96), channels, 7)
    assert model.input_shape == (None, 64, 96, channels)
    assert model.output_shape == (None, 64 // stride, 96 // stride, 7)
    assert model.count_params() <= LIMITS[name]
    predictor = KerasPredictor(model)
    images = np.zeros((2, 64, 96, channels), np.uint8)
    assert predictor.predict(images).shape == (2, 64, 96)


@pytest.mark.parametrize("name", MODELS)
def test_a_size_that_the_stride_does_not_divide_names_those_it_does(name: str) -> None:
    stride = MODELS[name].stride
    with pytest.raises(SizeError, match=f"{stride}x{stride} and {2 * stride}x{2 * stride} do"):
        check_size(name, (stride + 1, stride + 1))


def test_odd_multiples_of_the_stride_work() -> None:
    assert build("small", (240, 16), 3, 2).output_shape == (None, 60, 4, 2)


def test_an_unknown_network_lists_the_known() -> None:
    with pytest.raises(UsageError, match="fcn, nano, nano-lite0, small"):
        build("unet", (64, 64), 3, 2)


def test_scores_of_fcn_start_as_bilinear_interpolation() -> None:
    kernel = np.asarray(build("fcn", (64, 64), 3, 3).get_layer("up4").kernel)
    assert np.allclose(kernel[:, :, 0, 0].sum(), 4)
    assert np.allclose(kernel[:, :, 0, 1], 0)
