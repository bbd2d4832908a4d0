from collections.abc import Callable
from pathlib import Path

import pytest

from converters.edgetpu.culprit import OTHERWISE, culprit, layer
from converters.tflite.operators import operators


def test_the_first_operator_that_fails_is_found_wherever_it_is(models: Callable[[str, str], Path]) -> None:
    data = models("int8", "labels").read_bytes()
    total = len(operators(data))
    for bad in range(total):
        asked: list[int] = []

        def fails(count: int, bad: int = bad, asked: list[int] = asked) -> bool:
            asked.append(count)
            return count > bad

        assert culprit(data, fails).operator == operators(data)[bad]
        assert len(asked) <= total.bit_length()
        assert 0 not in asked
        assert total not in asked


def test_the_advice_is_the_rules_own_where_they_have_one(models: Callable[[str, str], Path]) -> None:
    data = models("int8", "labels").read_bytes()
    found = operators(data)
    arg_max = next(each.index for each in found if each.op == "ARG_MAX")
    conv = next(each.index for each in found if each.op == "CONV_2D")
    assert "--output logits" in culprit(data, lambda count: count > arg_max).advice
    assert culprit(data, lambda count: count > conv).advice == OTHERWISE


@pytest.mark.parametrize(
    ("tensor", "network", "name"),
    [
        ("small_1/stem_relu_1/Relu6;small_1/stem_1/convolution", "small", "stem_relu"),
        ("small_1/stem_relu_1/Relu6;small_1/stem_1/convolution", "", "stem_relu_1"),
        ("small/stage1_1/Relu6", "small", "stage1_1"),
        ("small_2/stage1_1/Relu6", "small", "stage1_1"),
        ("net/block/conv_1/BiasAdd", "net", "block/conv_1"),
        ("resize/ResizeBilinear", "small", "resize"),
        ("StatefulPartitionedCall:0", "small", "StatefulPartitionedCall:0"),
        ("", "", ""),
    ],
)
def test_layers_are_named_as_keras_names_them(tensor: str, network: str, name: str) -> None:
    assert layer(tensor, network) == name
