import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.tflite.operators import operators
from converters.tflm.c_source import c_sources, identifier, literal, write_c
from converters.tflm.check import check_file
from converters.tflm.runtime import flatbuffer
from edgeseg.errors import GateError, ModelError, UsageError

MAIN = """
#include <cstdio>
#include "model.h"

struct Resolver {
  int calls = 0;
  %s
};

int main() {
  Resolver resolver;
  if (!model::AddOperators(resolver) || resolver.calls != static_cast<int>(model::kOperators)) return 1;
  if (reinterpret_cast<std::uintptr_t>(model::kModel) %% 16 != 0) return 2;
  if (sizeof(model::InputType) != 1 || sizeof(model::OutputType) != 1) return 3;
  std::fwrite(model::kModel, 1, model::kModelBytes, stdout);
  std::fprintf(stderr, "%%d %%d %%d\\n%%s", model::kInputShape[1], model::kInputShape[2], model::kLabelCount,
               model::kLabels[0]);
}
"""


def compiler() -> str:
    found = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")
    if found is None:
        pytest.skip("needs a C++ compiler, which this machine does not have")
    return found


def build(folder: Path, sources: tuple[str, str], main: str) -> Path:
    for name, text in zip(("model.h", "model.cc"), sources, strict=True):
        (folder / name).write_text(text)
    (folder / "main.cc").write_text(main)
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = [compiler(), *strict, "-o", "main", "main.cc", "model.cc"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "main"


def test_the_compiled_source_holds_the_model_and_registers_its_operators(
    models: Callable[[str, str], Path], tmp_path: Path
) -> None:
    data = models("int8", "logits").read_bytes()
    names = ['hintergrund ??= \\ "ß"', "0123"]
    sources = c_sources(data, "model", 1234, names)
    adds = ["AddQuantize", "AddMul", "AddConv2D", "AddDepthwiseConv2D", "AddTransposeConv", "AddAdd"]
    assert "kArenaBytes = 1234;" in sources[0]
    program = build(tmp_path, sources, MAIN % "\n  ".join(f"int {add}() {{ ++calls; return 0; }}" for add in adds))
    ran = subprocess.run([str(program)], capture_output=True, check=True)
    assert ran.stdout == flatbuffer(data)
    assert ran.stderr.decode() == f"64 96 2\n{names[0]}"


def test_a_resolver_that_refuses_an_operator_is_heard(models: Callable[[str, str], Path], tmp_path: Path) -> None:
    data = models("int8", "logits").read_bytes()
    calls = {"AddQuantize": 0, "AddMul": 0, "AddConv2D": 0, "AddDepthwiseConv2D": 0, "AddTransposeConv": 1, "AddAdd": 0}
    methods = "\n  ".join(f"int {add}() {{ ++calls; return {status}; }}" for add, status in calls.items())
    program = build(tmp_path, c_sources(data, "model", None, ["a"]), MAIN % methods)
    assert subprocess.run([str(program)], capture_output=True, check=False).returncode == 1


def test_without_a_measured_arena_the_header_says_how_to_measure_it(models: Callable[[str, str], Path]) -> None:
    header, _ = c_sources(models("int8", "logits").read_bytes(), "model", None, [])
    assert "kArenaBytes" not in header
    assert "edgeseg check MODEL.tflite --target tflm" in header


def test_what_lies_behind_the_model_is_left_out(models: Callable[[str, str], Path]) -> None:
    data = models("int8", "logits").read_bytes()
    model = flatbuffer(data)
    assert b"edgeseg.json" in data
    assert b"edgeseg.json" not in model
    assert [each.outputs for each in operators(model)] == [each.outputs for each in operators(data)]
    assert flatbuffer(model) == model


def test_both_files_are_written_with_the_measured_arena(models: Callable[[str, str], Path], tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="needs tflite-micro, which has wheels for Linux on x86-64 only")
    path = models("int8", "logits")
    header, source = write_c(path, tmp_path / "street.v2.cc")
    assert (header.name, source.name) == ("street.v2.h", "street.v2.cc")
    text = header.read_text()
    assert f"kArenaBytes = {check_file(path, frames=1).arena_bytes};" in text
    assert "namespace model_street_v2 {" in text
    assert '"washer",' in text
    assert '#include "street.v2.h"' in source.read_text()


def test_a_model_that_does_not_run_is_not_written(int8_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="needs tflite-micro, which has wheels for Linux on x86-64 only")
    with pytest.raises(GateError, match="CAST"):
        write_c(int8_model, tmp_path / "model.cc")
    assert list(tmp_path.iterdir()) == []


def test_without_the_interpreter_the_files_are_written_all_the_same(
    models: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    header, source = write_c(models("int8", "logits"), tmp_path / "model.cc")
    assert "kArenaBytes" not in header.read_text()
    assert source.stat().st_size > 5 * models("int8", "logits").stat().st_size


def test_operators_without_a_registration_and_odd_names_are_refused(
    shared: Path, models: Callable[[str, str], Path]
) -> None:
    tiled = shared / "models" / "edgetpu_cases" / "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite"
    with pytest.raises(ModelError, match="no operator TILE"):
        c_sources(tiled.read_bytes(), "model", None, [])
    with pytest.raises(UsageError, match="letters"):
        c_sources(models("int8", "logits").read_bytes(), 'a"b', None, [])


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("model", "model"),
        ("street", "model_street"),
        ("street_model-v2", "street_model_v2"),
        ("7 model", "model_7_model"),
        ("class", "model_class"),
        ("größe__x", "model_gr_e_x"),
        ("…", "model"),
    ],
)
def test_names_become_namespaces(stem: str, name: str) -> None:
    assert identifier(stem) == name


def test_literals_survive_every_character() -> None:
    assert literal('a"\\?\n7ß') == '"a\\042\\134\\077\\0127\\303\\237"'
