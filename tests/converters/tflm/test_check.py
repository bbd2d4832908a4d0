import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.edgetpu.rules import FULL_INT8, TO_HOST
from converters.tflite import objects
from converters.tflm.check import check, check_file
from converters.tflm.cut import alone
from converters.tflm.rules import REGISTERED, add_method
from converters.tflm.runtime import flatbuffer, interpreter
from converters.tflm.worker import isolated
from edgeseg.errors import EdgesegError, GateError, MissingExtraError, ModelError

needs_interpreter = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import tflite_micro"], capture_output=True, check=False).returncode != 0,
    reason="needs tflite-micro, which has wheels for Linux on x86-64 only",
)


@needs_interpreter
def test_a_logits_model_runs_and_equals_the_reference_kernels(models: Callable[[str, str], Path]) -> None:
    path = models("int8", "logits")
    report = check_file(path)
    assert report.works
    assert report.unsupported == ()
    assert report.model_bytes < path.stat().st_size  # without what edgeseg appended
    by_kernels = {each.kernels: each for each in report.agreements}
    assert by_kernels["reference"].equal == 1.0
    assert by_kernels["reference"].largest == 0
    assert by_kernels["reference"].classes == 1.0
    assert by_kernels["default"].largest < 40
    report.require(path, report.arena_bytes)


@needs_interpreter
def test_the_reported_arena_is_the_least_that_works(models: Callable[[str, str], Path]) -> None:
    path = models("int8", "logits")
    arena = check_file(path, frames=1).arena_bytes
    assert arena is not None
    data = flatbuffer(path.read_bytes())
    interpreter(data, arena)
    with pytest.raises(RuntimeError, match="allocate"):
        interpreter(data, arena - 64)


@needs_interpreter
def test_a_refused_operator_is_named_with_what_the_interpreter_says(int8_model: Path) -> None:
    report = check_file(int8_model)
    assert not report.works
    assert [(each.op, each.edit) for each in report.unsupported] == [("CAST", TO_HOST)]
    assert "UINT8" in report.unsupported[0].reason
    assert report.arena_bytes is None
    with pytest.raises(GateError, match=r"CAST: .*--output logits"):
        report.require(int8_model)


@needs_interpreter
def test_every_refused_operator_is_found_not_only_the_first(shared: Path) -> None:
    report = check_file(shared / "models" / "edgetpu_cases" / "split_concat.tflite")
    assert [(each.index, each.op) for each in report.unsupported] == [
        (0, "CONCATENATION"),
        (1, "SPLIT"),
        (2, "CONCATENATION"),
    ]
    assert report.advice == f"CONCATENATION, SPLIT: {FULL_INT8}"


@needs_interpreter
def test_an_arena_above_the_limit_fails_the_gate(models: Callable[[str, str], Path]) -> None:
    report = check_file(models("int8", "logits"), frames=1)
    assert report.arena_bytes is not None
    with pytest.raises(GateError, match="above 1000;") as error:
        report.require(Path("m"), 1000)
    assert error.value.exit_code == 3


@needs_interpreter
def test_damaged_models_are_reported_and_end_no_process(models: Callable[[str, str], Path]) -> None:
    whole = models("int8", "logits").read_bytes()
    data = alone(objects.read(flatbuffer(whole)), 0, "QUANTIZE")
    outcomes: set[object] = set()
    for seed in range(12):
        rng = random.Random(seed)
        damaged = bytearray(data[: rng.randrange(8, len(data))] if seed % 3 == 0 else data)
        for _ in range(seed):
            damaged[rng.randrange(8, len(damaged))] = rng.randrange(256)
        try:
            outcomes.add(check(bytes(damaged), frames=1).works)
        except EdgesegError as error:
            outcomes.add(type(error).__name__)
    assert outcomes <= {True, False, "ModelError"}
    assert "ModelError" in outcomes


def test_a_trial_that_kills_its_process_is_a_reason() -> None:
    assert isolated(lambda: os.kill(os.getpid(), signal.SIGKILL)) == ("", "the interpreter died of SIGKILL")


def test_the_first_line_that_gives_a_reason_is_taken() -> None:
    def trial() -> None:
        os.write(2, b"INFO: hello\ntensorflow/lite/micro/kernels/conv.cc:7 no such type\nmore\n")
        raise RuntimeError("failed")

    assert isolated(trial)[1] == "no such type"


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"nonsense")
    with pytest.raises(ModelError, match=r"x\.tflite: this is not a TFLite model"):
        check_file(path)
    with pytest.raises(ModelError, match="cannot be read"):
        check_file(tmp_path / "none.tflite")


def test_without_the_interpreter_the_extra_is_named(
    models: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(MissingExtraError, match=r"edgeseg\[tflm\]"):
        check_file(models("int8", "logits"))


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("TRANSPOSE_CONV", "AddTransposeConv"),
        ("RESIZE_NEAREST_NEIGHBOR", "AddResizeNearestNeighbor"),
        ("SPACE_TO_BATCH_ND", "AddSpaceToBatchNd"),
        ("RELU6", "AddRelu6"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("BATCH_MATMUL", "AddBatchMatMul"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
        ("TILE", None),
    ],
)
def test_operators_are_registered_by_the_names_of_the_resolver(op: str, method: str | None) -> None:
    assert add_method(op) == method


@needs_interpreter
def test_the_list_of_operators_is_that_of_the_installed_interpreter() -> None:
    import tflite_micro

    library = next(Path(tflite_micro.__file__).parent.rglob("_runtime.so")).read_bytes()
    for op in REGISTERED:
        assert f"Register_{op}".encode() in library, op
    assert b"Register_TILE" not in library


@needs_interpreter
def test_the_command_reports_and_gates(
    edgeseg: Callable[..., subprocess.CompletedProcess[str]],
    refused: Callable[..., str],
    models: Callable[[str, str], Path],
    int8_model: Path,
) -> None:
    path = models("int8", "logits")
    good = edgeseg("check", path, "--target", "tflm", "--json")
    assert good.returncode == 0, good.stderr
    told = json.loads(good.stdout)
    assert told["works"]
    assert refused(edgeseg("check", path, "--target", "tflm", "--max-arena", told["arena_bytes"] - 1), 3)
    bad = edgeseg("check", int8_model, "--target", "tflm")
    assert "CAST" in refused(bad, 3)
    assert "not supported" in bad.stdout
    assert max(map(len, bad.stdout.splitlines())) <= 80
    assert "--max-arena with --target tflm" in refused(
        edgeseg("check", path, "--target", "edgetpu", "--max-arena", 1), 2
    )
