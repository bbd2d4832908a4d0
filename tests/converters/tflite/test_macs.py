from collections.abc import Callable
from typing import Any

from converters.tflite.macs import COUNTED, macs, macs_by_type
from converters.tflite.operators import operators


def test_every_weight_counts_at_each_place_where_it_is_applied(plain_net: bytes) -> None:
    counted = {each.op: macs(each) for each in operators(plain_net) if each.op in COUNTED}
    assert counted == {
        "CONV_2D": 16 * 16 * 8 * (3 * 3 * 3),
        "DEPTHWISE_CONV_2D": 16 * 16 * 8 * (3 * 3),
        "TRANSPOSE_CONV": 16 * 16 * 8 * (3 * 3 * 4),
    }
    assert all(macs(each) == 0 for each in operators(plain_net) if each.op not in COUNTED)


def test_a_dense_layer_is_its_matrix(to_tflite: Callable[..., bytes]) -> None:
    from keras import layers

    def build(x: Any) -> Any:
        return layers.Dense(7)(layers.Flatten()(x))

    assert sum(map(macs, operators(to_tflite((1, 4, 4, 3), build)))) == 48 * 7


def test_sums_are_by_the_type_of_activations(plain_net: bytes) -> None:
    found = operators(plain_net)
    assert macs_by_type(found) == {"float32": sum(map(macs, found))}
