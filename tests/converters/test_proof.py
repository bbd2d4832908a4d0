from pathlib import Path

import numpy as np
import pytest

from converters import proof
from converters.tflite.operators import Operator, Tensor, operators
from edgeseg.errors import ConversionError


class Fixed:
    size, channels = (8, 8), 3

    def __init__(self, answer: int) -> None:
        self._answer = answer

    def predict(self, images: np.ndarray) -> np.ndarray:
        found = np.zeros((len(images), 8, 8), np.uint8)
        found[:, :4] = self._answer
        return found


def test_a_full_int8_model_passes(int8_model: Path) -> None:
    proof.all_integer(int8_model.read_bytes())


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16", "int64"])
def test_an_operator_that_does_not_compute_in_int8_is_named(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    good = Tensor("ok", "int8", (1,), constant=False)
    bias = Tensor("bias", "int32", (1,), constant=True)
    found = [
        Operator(0, "CONV_2D", 3, (good, bias), (good,)),
        Operator(1, "ELU", 1, (good,), (Tensor("odd", dtype, (1,), constant=False),)),
    ]
    monkeypatch.setattr(proof, "operators", lambda data: found)
    with pytest.raises(ConversionError, match=rf"operator 1 \(ELU\) works in {dtype} at 'odd'"):
        proof.all_integer(b"")


def test_float_models_are_told_apart(models) -> None:
    with pytest.raises(ConversionError, match="float32"):
        proof.all_integer(models("float32", "labels").read_bytes())


def test_agreement_is_measured_and_bounded(belt_set: Path) -> None:
    frames = [str(path) for path in sorted((belt_set / "val" / "images").iterdir())]
    assert proof.agreement(Fixed(1), Fixed(1), frames, 0.9) == 1.0
    assert proof.agreement(Fixed(1), Fixed(2), frames, 0.5) == 0.5
    with pytest.raises(ConversionError, match=r"agrees with its source on 50\.0 %"):
        proof.agreement(Fixed(1), Fixed(2), frames, 0.9)


def test_operators_know_their_tensors(int8_model: Path) -> None:
    found = operators(int8_model.read_bytes())
    assert [each.index for each in found] == list(range(len(found)))
    conv = next(each for each in found if each.op == "CONV_2D")
    assert [tensor.constant for tensor in conv.inputs] == [False, True, True]
    assert conv.inputs[1].dtype == "int8"
    assert conv.inputs[2].dtype == "int32"
