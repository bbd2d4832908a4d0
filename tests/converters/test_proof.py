from contextlib import nullcontext
from pathlib import Path

import pytest

from converters import proof
from converters.tflite.operators import Operator, Tensor, operators
from edgeseg.errors import ConversionError


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


@pytest.mark.parametrize(("stored", "passes"), [("float16", True), ("float32", False), ("int8", False)])
def test_weights_are_looked_at_where_they_are_stored(
    monkeypatch: pytest.MonkeyPatch, stored: str, passes: bool
) -> None:
    kept = Tensor("half", stored, (32, 3, 3, 16), constant=True, bytes=9216)
    used = Tensor("full", "float32", (32, 3, 3, 16), constant=False)
    image = Tensor("image", "float32", (1, 8, 8, 16), constant=False)
    found = [Operator(0, "DEQUANTIZE", 1, (kept,), (used,)), Operator(1, "CONV_2D", 1, (image, used), (image,))]
    monkeypatch.setattr(proof, "operators", lambda data: found)
    with nullcontext() if passes else pytest.raises(ConversionError, match=rf"holds its weights in {stored}, not in"):
        proof.weights_in(b"", "float16")


def test_operators_know_their_tensors(int8_model: Path) -> None:
    found = operators(int8_model.read_bytes())
    assert [each.index for each in found] == list(range(len(found)))
    conv = next(each for each in found if each.op == "CONV_2D")
    assert [tensor.constant for tensor in conv.inputs] == [False, True, True]
    assert conv.inputs[1].dtype == "int8"
    assert conv.inputs[2].dtype == "int32"
