import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.edgetpu import check as edgetpu
from converters.edgetpu.rules import DATA_TYPE, LIMITATION, MAPPED, RANK, SUBGRAPH, UNSUPPORTED, verdict
from converters.tflite.operators import Operator, Tensor
from edgeseg.errors import GateError, ModelError


def tensor(name: str, shape: tuple[int, ...] = (1, 8, 8, 4), dtype: str = "int8", constant: bool = False) -> Tensor:
    return Tensor(name, dtype, shape, constant, 100 if constant else 0)


def operator(index: int, op: str, reads: list[str], writes: str, version: int = 1, **options: object) -> Operator:
    weights = (tensor("w", (4, 3, 3, 4), constant=True),)
    return Operator(index, op, version, (*map(tensor, reads), *weights), (tensor(writes),), options)


def check(*found: Operator) -> edgetpu.Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edgetpu, "operators", lambda data: found)
        return edgetpu.check(b"")


def test_every_operator_of_the_real_compiled_models_is_predicted_right(shared: Path) -> None:
    cases = sorted((shared / "models" / "edgetpu_cases").glob("*.tflite"))
    assert len(cases) == 8
    for path in cases:
        truth = json.loads(path.with_suffix(".json").read_text())["operators"]
        found = edgetpu.check_file(path).operators
        assert [each.on_tpu for each in found] == [each["on_tpu"] for each in truth], path.name


@pytest.mark.slow
def test_logits_models_of_ours_are_mapped_whole(models: Callable[[str, str], Path]) -> None:
    report = edgetpu.check_file(models("int8", "logits"))
    assert report.mapped == 1.0
    assert report.blocker is None
    assert 0 < report.memory_share < 0.1
    report.require(Path("m"), 1.0)


def test_a_float_model_is_not_mapped_at_all(models: Callable[[str, str], Path]) -> None:
    report = edgetpu.check_file(models("float32", "logits"))
    assert report.mapped == 0
    assert report.operators[0].reason == DATA_TYPE
    assert "--scheme int8" in report.edit


def test_what_depends_on_the_cpu_behind_the_tpu_stays_on_the_cpu() -> None:
    report = check(
        operator(0, "CONV_2D", ["in"], "a"),
        operator(1, "HARD_SWISH", ["a"], "b"),
        operator(2, "CONV_2D", ["b"], "c"),
        operator(3, "CONV_2D", ["a"], "d"),
        operator(4, "ADD", ["c", "d"], "e"),
    )
    assert [each.on_tpu for each in report.operators] == [True, False, False, True, False]
    assert [each.reason for each in report.operators] == [MAPPED, UNSUPPORTED, SUBGRAPH, MAPPED, SUBGRAPH]
    assert report.blocker is not None
    assert report.blocker.index == 1
    assert "ReLU6" in report.advice


def test_the_cpu_before_the_tpu_blocks_nothing() -> None:
    report = check(operator(0, "CAST", ["in"], "a"), operator(1, "CONV_2D", ["a"], "b"))
    assert [each.on_tpu for each in report.operators] == [False, True]


def test_a_version_that_the_compiler_does_not_know_stops_everything() -> None:
    report = check(operator(0, "CONV_2D", ["in"], "a"), operator(1, "TRANSPOSE_CONV", ["a"], "b", version=4))
    assert report.mapped == 0
    assert report.rejected == ("operator 1 (TRANSPOSE_CONV) has version 4, and the compiler knows up to 3",)
    with pytest.raises(GateError, match="version 4") as error:
        report.require(Path("m.tflite"), 0.5)
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Operator(0, "CONV_2D", 3, (tensor("a"), tensor("w")), (tensor("b"),)), LIMITATION),
        (Operator(0, "ADD", 2, (tensor("a", (2, 8, 8, 4)),), (tensor("b", (2, 8, 8, 4)),)), RANK),
        (Operator(0, "ADD", 2, (tensor("a", dtype="float32"),), (tensor("b", dtype="float32"),)), DATA_TYPE),
        (Operator(0, "RESIZE_BILINEAR", 3, (tensor("a"),), (tensor("b", (1, 480, 360, 4)),)), LIMITATION),
        (Operator(0, "RESIZE_BILINEAR", 3, (tensor("a", (1, 1, 1, 4)),), (tensor("b"),)), LIMITATION),
        (Operator(0, "RESIZE_BILINEAR", 3, (tensor("a"),), (tensor("b", (1, 48, 48, 4)),)), None),
        (Operator(0, "SOFTMAX", 2, (tensor("a", (1, 8, 8, 4)),), (tensor("b"),)), LIMITATION),
        (Operator(0, "SOFTMAX", 2, (tensor("a", (1, 1000)),), (tensor("b", (1, 1000)),)), None),
        (Operator(0, "SomeCustomOp", 1, (tensor("a"),), (tensor("b"),)), UNSUPPORTED),
        (operator(0, "DEPTHWISE_CONV_2D", ["a"], "b", DilationWFactor=2, DilationHFactor=2), None),
        (operator(0, "CONV_2D", ["a"], "b", DilationWFactor=2, DilationHFactor=1), LIMITATION),
    ],
)
def test_the_rules_one_by_one(found: Operator, reason: str | None) -> None:
    said = verdict(found)
    assert (said.reason if said else None) == reason
    assert said is None or said.edit


def test_a_compiled_model_is_recognised(shared: Path) -> None:
    with pytest.raises(ModelError, match="compiled for the Edge TPU already"):
        edgetpu.check_file(shared / "models" / "deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite")


def test_damaged_models_are_refused_or_read_but_never_crash(int8_model: Path) -> None:
    data = np.frombuffer(int8_model.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        broken = data.copy()
        at = rng.integers(8, len(data) // 4, 20)
        broken[at] = rng.integers(0, 256, 20)
        try:
            edgetpu.check(broken[: rng.integers(100, len(data))].tobytes())
        except ModelError:
            refused += 1
    assert refused > 20
