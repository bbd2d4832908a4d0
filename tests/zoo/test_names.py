"""Wherever a model is taken, a name of the zoo is too, and the licence is said."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = ROOT / "tests" / "standins" / "edgetpu_compiler"
NOTICE = "belt-small: The belt, for tests only\n"
SCENE = "belt:?size=64x96"


@pytest.mark.parametrize(
    "arguments",
    [
        ["live", "belt", "--source", SCENE, "--frames", "2"],
        ["evaluate", "belt-small", "{set}"],
        ["check", "belt-logits", "--target", "edgetpu"],
        ["bench", "belt", "--seconds", "0.1", "--threads", "1", "--slowest", "0"],
        ["bench", "loop", "belt", "--only", "mask", "--rounds", "1"],
        ["bundle", "belt", "--golden", "{set}", "--frames", "1", "-o", "{tmp}/b.edgeseg"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_name_does_for_a_model_and_its_licence_is_said(
    edgeseg: Callable, shelf: Path, belt_set: Path, tmp_path: Path, arguments: list[str]
) -> None:
    given = [each.format(set=belt_set, tmp=tmp_path) for each in arguments]
    result = edgeseg(*given, cwd=tmp_path, EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    assert result.stderr == NOTICE
    assert result.stdout


def test_two_names_are_compared(edgeseg: Callable, shelf: Path) -> None:
    result = edgeseg("compare", "belt", "belt-nano", SCENE, "--frames", 2, "--json", EDGESEG_ZOO=str(shelf))
    assert json.loads(result.stdout)["agreement"] == 1.0
    assert result.stderr == NOTICE + NOTICE.replace("small", "nano")


def test_a_name_may_take_over_in_the_loop(edgeseg: Callable, shelf: Path) -> None:
    short = ("--source", SCENE, "--frames", 2, "--fallback", "belt-nano")
    result = edgeseg("live", "belt", *short, EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    assert set(result.stderr.splitlines(keepends=True)) == {NOTICE, NOTICE.replace("small", "nano")}


def test_what_is_compiled_of_the_zoo_does_not_go_into_it(edgeseg: Callable, shelf: Path, tmp_path: Path) -> None:
    before = sorted(shelf.iterdir())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    compiler = {"EDGETPU_COMPILER": str(COMPILER), "PATH": path}
    result = edgeseg("compile", "belt-logits", cwd=tmp_path, EDGESEG_ZOO=str(shelf), **compiler)
    assert result.returncode == 0, result.stderr
    assert NOTICE in result.stderr
    assert (tmp_path / "belt-small-logits_edgetpu.tflite").is_file()
    assert sorted(shelf.iterdir()) == before


@pytest.mark.slow
def test_the_float_network_is_what_is_quantized(edgeseg: Callable, shelf: Path, belt_set: Path, tmp_path: Path) -> None:
    chosen = ("--max-drop", 100, "--max-class-drop", 100, "--no-report")
    arguments = ("quantize", "belt", "--calibrate", belt_set, *chosen, "-o", tmp_path / "m.tflite")
    result = edgeseg(*arguments, EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith(NOTICE)
    assert (tmp_path / "m.tflite").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["live", "sand"],
        ["evaluate", "sand", "."],
        ["check", "sand", "--target", "tflm"],
        ["compile", "sand"],
        ["compare", "belt", "sand", "belt:"],
        ["bench", "sand"],
        ["bench", "belt", "--against", "sand"],
        ["bench", "loop", "sand"],
        ["bundle", "sand", "--golden", ".", "-o", "b.edgeseg"],
        ["quantize", "sand", "--calibrate", ".", "-o", "m.tflite"],
        ["live", "belt", "--fallback", "sand"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_unknown_gets_those_that_are_known_in_one_line(
    edgeseg: Callable, refused: Callable, shelf: Path, tmp_path: Path, arguments: list[str]
) -> None:
    message = refused(edgeseg(*arguments, cwd=tmp_path, EDGESEG_ZOO=str(shelf)), 2).removeprefix(NOTICE)
    known = "belt-small, belt, belt-nano"
    assert (
        message == f"edgeseg: 'sand' is no model's file or folder and no name (the zoo has {known}); give one of them\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_file_or_run_of_that_name_wins_and_a_folder_of_images_does_not(
    edgeseg: Callable, refused: Callable, shelf: Path, int8_model: Path, tmp_path: Path
) -> None:
    shutil.copy(int8_model, tmp_path / "belt")
    arguments = ("live", "belt", "--source", SCENE, "--frames", 2)
    assert edgeseg(*arguments, cwd=tmp_path, EDGESEG_ZOO=str(shelf)).stderr == ""
    (tmp_path / "belt").unlink()
    (tmp_path / "belt" / "images").mkdir(parents=True)
    assert edgeseg(*arguments, cwd=tmp_path, EDGESEG_ZOO=str(shelf)).stderr == NOTICE
    (tmp_path / "belt" / "run.json").touch()
    assert "belt: is a folder" in refused(edgeseg(*arguments, cwd=tmp_path, EDGESEG_ZOO=str(shelf)))


def test_a_bundle_may_name_what_takes_over(edgeseg: Callable, shelf: Path, belt_set: Path, tmp_path: Path) -> None:
    place = {"cwd": tmp_path, "EDGESEG_ZOO": str(shelf)}
    kept = ("--", "--source", SCENE, "--fallback", "belt-nano")
    made = edgeseg("bundle", "belt", "--golden", belt_set, "--frames", 1, "-o", "b.edgeseg", *kept, **place)
    assert made.returncode == 0, made.stderr
    lived = edgeseg("live", "b.edgeseg", "--frames", 2, **place)
    assert lived.returncode == 0, lived.stderr
    assert lived.stderr == NOTICE.replace("small", "nano")


@pytest.mark.parametrize("model", ["{file}", "stub:?invoke_ms=1&size=64x96"])
def test_a_loop_that_needs_no_zoo_loads_none(int8_model: Path, model: str) -> None:
    program = (
        "import atexit, sys\nfrom edgeseg.cli import main\n"
        "atexit.register(lambda: print('LOADED', [name for name in sys.modules if 'zoo' in name]))\n"
        f"sys.argv[1:] = ['live', sys.argv[1], '--source', '{SCENE}', '--frames', '2']\nmain()"
    )
    command = [sys.executable, "-c", program, model.format(file=int8_model)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.splitlines()[-1] == "LOADED []"


def test_a_loop_of_the_zoo_loads_no_training_library(shelf: Path) -> None:
    program = (
        "import atexit, sys\nfrom edgeseg.cli import main\n"
        "heavy = ('keras', 'tensorflow', 'jax', 'converters', 'edgeseg.training', 'edgeseg.evaluate')\n"
        "atexit.register(lambda: print('LOADED', [name for name in heavy if name in sys.modules]))\n"
        f"sys.argv[1:] = ['live', 'belt', '--source', '{SCENE}', '--frames', '2']\nmain()"
    )
    environment = os.environ | {"EDGESEG_ZOO": str(shelf)}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=environment)
    assert result.stdout.splitlines()[-1] == "LOADED []"
    assert result.stderr == NOTICE
