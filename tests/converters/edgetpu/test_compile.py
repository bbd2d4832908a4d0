import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.edgetpu.check import COMPILED, check_file
from converters.edgetpu.compile import compile_model, plan
from converters.edgetpu.compiled import placed
from converters.edgetpu.cut import cut
from converters.tflite.objects import write
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, MissingCompilerError, ModelError, OutputError, UsageError
from edgeseg.model_info import MEMBER, attach, read_info

STAND_IN = Path(__file__).parents[2] / "standins" / "edgetpu_compiler"
ROOT = Path(__file__).parents[3]
Models = Callable[[str, str], Path]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in for the compiler, with the interpreter and the packages of these tests; it counts its runs here."""
    counter = tmp_path / "runs"
    monkeypatch.setenv("EDGETPU_COMPILER", str(STAND_IN))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("STANDIN_COUNT", str(counter))
    return counter


@pytest.fixture
def logits(models: Models, tmp_path: Path) -> Path:
    return Path(shutil.copy(models("int8", "logits"), tmp_path / "net.tflite"))


@pytest.fixture
def labels(models: Models, tmp_path: Path) -> Path:
    return Path(shutil.copy(models("int8", "labels"), tmp_path / "net.tflite"))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name not in ("net.tflite", "runs")]


def with_fused_activation(path: Path, zero: int) -> bytes:
    """Give its TRANSPOSE_CONVs a ReLU of version 4, and outputs with this zero point."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV:
            code.version = 4
            operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU
            graph.tensors[operator.outputs[0]].quantization.zeroPoint = [zero]
    return write(model)


def test_the_stand_in_says_what_it_is(stand_in: Path) -> None:
    said = subprocess.run([STAND_IN, "--version"], capture_output=True, text=True, check=True).stdout
    assert "stand-in" in said


def test_a_compiled_model_holds_the_custom_operator_and_our_information(stand_in: Path, labels: Path) -> None:
    before = labels.read_bytes()
    result = compile_model(plan(labels))
    assert result.out == labels.with_name("net_edgetpu.tflite")
    assert result.bytes == result.out.stat().st_size
    found = [each.op for each in operators(result.out.read_bytes())]
    assert found[0] == COMPILED
    assert found.count(COMPILED) == result.subgraphs == 1
    info, original = read_info(result.out), read_info(labels)
    assert info is not None
    assert original is not None
    assert info.provenance.pop("edgetpu_compiler") == "16.0-stand-in-for-tests"
    assert info == original
    assert labels.read_bytes() == before
    assert leftovers(labels.parent) == ["net_edgetpu.tflite"]


def test_places_are_read_from_the_compiled_file(stand_in: Path, labels: Path) -> None:
    result = compile_model(plan(labels))
    assert [kind.op for kind in result.kinds if not kind.on_tpu] == ["RESIZE_BILINEAR", "ARG_MAX", "CAST"]
    assert all(kind.as_predicted for kind in result.kinds)
    total = len(operators(labels.read_bytes()))
    assert sum(kind.count for kind in result.kinds) == total
    assert result.mapped == (total - 3) / total
    assert (result.log.on_tpu, result.log.on_cpu) == (total - 3, 3)
    assert result.log.cached_bytes is not None
    assert 0 < result.log.cached_bytes < labels.stat().st_size


def test_a_placement_that_differs_from_the_prediction_is_told(
    stand_in: Path, logits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_CPU", "TRANSPOSE_CONV")
    result = compile_model(plan(logits))
    kinds = {kind.op: kind for kind in result.kinds}
    up = kinds["TRANSPOSE_CONV"]
    assert (up.count, up.predicted, up.on_tpu) == (up.count, up.count, 0)
    assert not up.as_predicted
    assert 0 < kinds["CONV_2D"].on_tpu < kinds["CONV_2D"].predicted
    assert result.to_json()["as_predicted"] is False


def test_random_crashes_are_tried_again(stand_in: Path, logits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_CRASHES", "2")
    told: list[str] = []
    result = compile_model(plan(logits), on_progress=told.append)
    assert result.tries == 3
    assert stand_in.stat().st_size == 3
    assert [line[:10] for line in told] == ["compiling ", "try 1 of 3", "try 2 of 3"]
    assert "Internal compiler error" in told[1]


def test_an_operator_that_always_crashes_is_named_with_its_layer(
    stand_in: Path, logits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = next(each for each in operators(logits.read_bytes()) if each.op == "TRANSPOSE_CONV")
    monkeypatch.setenv("STANDIN_CRASHES_ON", "TRANSPOSE_CONV")
    with pytest.raises(ConversionError) as error:
        compile_model(plan(logits), tries=2)
    message = str(error.value)
    name = bad.outputs[0].name.split("/")[1].removesuffix("_1")
    assert f"fails at operator {bad.index} (TRANSPOSE_CONV, {name}) (2 of 2 times)" in message
    assert f"the {bad.index} operators before it compile" in message
    assert "\n" not in message
    assert leftovers(logits.parent) == []


def test_an_operator_with_a_rule_comes_with_its_advice(
    stand_in: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_REFUSES_ON", "RESIZE_BILINEAR")
    with pytest.raises(ConversionError, match=r"RESIZE_BILINEAR.*large activation tensors.*--output logits"):
        compile_model(plan(labels))
    assert stand_in.stat().st_size <= 1 + len(operators(labels.read_bytes())).bit_length()  # no try is repeated


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("killed", "was killed by SIGSEGV"),
        ("silent", "it gave no reason"),
        ("no-file", "it ended well but wrote no model"),
        ("timeout", "longer than 1 s.*--timeout"),
        ("damaged", "wrote a damaged file"),
    ],
)
def test_failures_are_told_and_leave_nothing(
    stand_in: Path, logits: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    monkeypatch.setenv("STANDIN_DOES", does)
    out = logits.with_name("net_edgetpu.tflite")
    out.write_bytes(b"an older one")
    with pytest.raises(ConversionError, match=said):
        compile_model(plan(logits), tries=1, timeout_s=1 if does == "timeout" else 180)
    assert out.read_bytes() == b"an older one"
    assert leftovers(logits.parent) == ["net_edgetpu.tflite"]


def test_a_compiler_that_hangs_is_ended_with_its_children(
    stand_in: Path, logits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_DOES", "hang")
    monkeypatch.setattr("converters.edgetpu.compiler.GRACE_S", 4)
    start = time.monotonic()
    with pytest.raises(ConversionError, match="longer than 1 s"):
        compile_model(plan(logits), timeout_s=1)
    assert time.monotonic() - start < 30
    child = Path(f"/proc/{int(stand_in.read_text())}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().split(")")[1].split()[0] != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or child.read_text().split(")")[1].split()[0] == "Z"


def test_a_fused_transposed_convolution_is_lowered_for_the_compiler(stand_in: Path, logits: Path) -> None:
    logits.write_bytes(with_fused_activation(logits, -128))
    before = logits.read_bytes()
    result = compile_model(plan(logits))
    assert len(result.lowered) == sum(each.op == "TRANSPOSE_CONV" for each in operators(before)) > 0
    assert logits.read_bytes() == before


def test_the_information_behind_a_lowered_model_stays_readable(logits: Path, tmp_path: Path) -> None:
    info = read_info(logits)
    assert info is not None
    logits.write_bytes(with_fused_activation(logits, -128))
    attach(logits, info)
    lowered = tmp_path / "lowered.tflite"
    lowered.write_bytes(plan(logits).data)
    assert lowered.read_bytes() != logits.read_bytes()
    assert read_info(lowered) == info


def test_one_that_cannot_be_lowered_is_reported(stand_in: Path, logits: Path) -> None:
    logits.write_bytes(with_fused_activation(logits, 3))
    with pytest.raises(ModelError, match=r"cannot read operator \d+ \(TRANSPOSE_CONV.*RELU clamps within"):
        plan(logits)


def test_models_that_make_no_sense_here_are_refused(models: Models, shared: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tflite"
    with pytest.raises(ModelError, match="cannot be read"):
        plan(wrong)
    wrong.write_bytes(b"no model")
    with pytest.raises(ModelError, match="not a TFLite model"):
        plan(wrong)
    wrong.write_bytes(models("int8", "logits").read_bytes()[:5000])
    with pytest.raises(ModelError, match="damaged"):
        plan(wrong)
    with pytest.raises(ModelError, match="--scheme int8"):
        plan(models("float32", "logits"))
    with pytest.raises(ModelError, match="compiled for the Edge TPU already"):
        plan(shared / "models" / "deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite")


def test_no_compiler_is_an_error_of_its_own(logits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("EDGETPU_COMPILER", raising=False)
    with pytest.raises(MissingCompilerError, match=r"edgetpu-compiler from Coral's.*EDGETPU_COMPILER"):
        compile_model(plan(logits))
    monkeypatch.setenv("EDGETPU_COMPILER", "/nonexistent/edgetpu_compiler")
    with pytest.raises(MissingCompilerError, match="EDGETPU_COMPILER names /nonexistent"):
        compile_model(plan(logits))
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF of another machine")
    foreign.chmod(0o755)
    monkeypatch.setenv("EDGETPU_COMPILER", str(foreign))
    with pytest.raises(MissingCompilerError, match="cannot be run on this machine"):
        compile_model(plan(logits))
    assert not (tmp_path / "net_edgetpu.tflite").exists()


def test_the_compiler_is_found_on_the_path(logits: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETPU_COMPILER")
    monkeypatch.setenv("PATH", f"{STAND_IN.parent}{os.pathsep}{os.environ['PATH']}")
    assert compile_model(plan(logits)).out.is_file()


def test_the_result_goes_where_it_was_asked_to_go(stand_in: Path, logits: Path, tmp_path: Path) -> None:
    place = tmp_path / "new" / "place"
    assert compile_model(plan(logits), place).out == place / "net_edgetpu.tflite"
    with pytest.raises(UsageError, match="is no folder"):
        compile_model(plan(logits), tmp_path / "x.tflite")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        compile_model(plan(logits), file)
    assert stand_in.stat().st_size == 1  # where nothing can be written, nothing is compiled


@pytest.mark.parametrize(("limit", "large"), [(20_000, False), (10_000_000, True)])
def test_a_full_disk_leaves_nothing(stand_in: Path, logits: Path, refused: Callable, limit: int, large: bool) -> None:
    """The disk is full for the temporary copy of the model, and for a result with more information than fits."""
    if large:
        info = read_info(logits)
        assert info is not None
        logits.write_bytes(cut(logits.read_bytes(), len(operators(logits.read_bytes()))))
        story = replace(info, provenance={"story": "x" * limit}).to_json()
        with zipfile.ZipFile(logits, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MEMBER, json.dumps(story))
        assert logits.stat().st_size < limit / 2
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        f"import sys; sys.argv[1:] = ['compile', {str(logits)!r}]; from edgeseg.cli import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=os.environ)
    message = refused(result)
    assert "free some space" in message
    assert ("net_edgetpu.tflite: " in message) == large
    assert leftovers(logits.parent) == []


def test_a_real_compiled_model_is_read_as_it_is(shared: Path) -> None:
    name = "deeplabv3_mnv2_dm05_pascal_quant"
    truth = json.loads((shared / "models" / "edgetpu_cases" / f"{name}.json").read_text())["operators"]
    report = check_file(shared / "models" / "edgetpu_cases" / f"{name}.tflite")
    kinds, subgraphs = placed(report, (shared / "models" / f"{name}_edgetpu.tflite").read_bytes())
    assert subgraphs == 1
    for kind in kinds:
        assert kind.count == sum(each["op"] == kind.op for each in truth)
        assert kind.on_tpu == sum(each["op"] == kind.op and each["on_tpu"] for each in truth)
        assert kind.as_predicted


def test_the_command_says_first_what_it_predicts_and_then_what_came_of_it(
    stand_in: Path, labels: Path, edgeseg: Callable
) -> None:
    result = edgeseg("compile", labels.name, cwd=labels.parent)
    assert result.returncode == 0, result.stderr
    predicted, compiled = result.stdout.split("on the Edge TPU\n─", 1)
    assert "RESIZE_BILINEAR" in predicted
    assert "ARG_MAX: More than one subgraph is not supported" in compiled
    assert "net_edgetpu.tflite: " in compiled
    assert max(len(line) for line in compiled.splitlines()) <= 80
    found = json.loads(edgeseg("compile", labels.name, "--json", cwd=labels.parent).stdout)
    assert set(found) >= {"out", "mapped", "as_predicted", "kinds", "lowered", "compiler", "tries"}
    assert found["as_predicted"] is True


def test_the_command_without_a_compiler_ends_with_code_4(logits: Path, edgeseg: Callable, refused: Callable) -> None:
    before = logits.read_bytes()
    result = edgeseg("compile", logits, EDGETPU_COMPILER="/nonexistent/edgetpu_compiler")
    message = refused(result, 4)
    assert message.count("\n") == 1
    assert "Mapped to Edge TPU" in result.stdout
    assert logits.read_bytes() == before


def test_damaged_models_are_refused_or_planned_but_never_crash(logits: Path) -> None:
    data = np.frombuffer(with_fused_activation(logits, -128), np.uint8)
    rng = np.random.default_rng(5)
    refusals = 0
    for count in rng.integers(1, 60, 100):
        broken = data.copy()
        broken[rng.integers(8, len(data), count)] = rng.integers(0, 256, count)
        logits.write_bytes(broken.tobytes())
        try:
            cut(plan(logits).data, 7)
        except ModelError:
            refusals += 1
    assert 10 < refusals < 100


def test_a_compiler_that_does_not_even_start_is_not_blamed_on_the_model(
    logits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "edgetpu_compiler"
    program.write_text("#!/bin/sh\necho 'libusb: cannot open shared object file'\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDGETPU_COMPILER", str(program))
    with pytest.raises(ConversionError, match=r"does not run here \(libusb: cannot open shared object file"):
        compile_model(plan(logits))
