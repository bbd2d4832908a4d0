import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.boards import BOARDS

SHORT = ("--seconds", "0.2", "--threads", "2")


@pytest.mark.slow
def test_a_model_is_timed_against_another_within_80_columns(
    edgeseg: Callable, models: Callable[[str, str], Path]
) -> None:
    int8, float32 = models("int8", "labels"), models("float32", "labels")
    result = edgeseg("bench", int8, "--against", float32, *SHORT)
    assert result.returncode == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "times the other's time" in result.stdout
    assert all(board.name in result.stdout for board in BOARDS)


def test_figures_come_as_json(edgeseg: Callable, int8_model: Path) -> None:
    result = edgeseg("bench", "model", int8_model, *SHORT, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert [each["threads"] for each in found["latencies"]] == [1, 2]
    assert found["latencies"][0]["p50_ms"] <= found["latencies"][0]["p99_ms"]
    assert found["macs"]["int8"] == sum(each["macs"] for each in found["operators"]["operators"])
    assert {each["board"] for each in found["boards"]} == {board.name for board in BOARDS}
    assert found["size"] == [64, 96]
    assert found["ratios"] == []


def test_the_reference_kernels_can_be_timed(edgeseg: Callable, int8_model: Path) -> None:
    result = edgeseg("bench", int8_model, *SHORT, "--runtime", "reference", "--slowest", 0)
    assert result.returncode == 0, result.stderr
    assert "reference, 64x96" in result.stdout
    assert "slowest" not in result.stdout


def test_the_loop_is_measured_by_name(edgeseg: Callable) -> None:
    arguments = ("bench", "loop", "stub:?invoke_ms=2&size=64x64", "--only", "mask", "--rounds", 1)
    shown = edgeseg(*arguments)
    assert shown.returncode == 0, shown.stderr
    assert "invoke's share of the loop's CPU, mask only, from memory" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    found = json.loads(edgeseg(*arguments, "--json").stdout)
    assert [row["name"] for row in found["rows"]] == ["mask"]
    assert found["machine"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["loop", "stub:", "--only", "speed"], "no figure is called 'speed'"),
        (["loop", "absent.tflite", "--only", "mask"], "cannot be read"),
        (["absent.tflite"], "cannot be read"),
        (["{model}", "--against", "absent.tflite"], "cannot be read"),
        (["{model}", "--runtime", "quick"], "no runtime is called 'quick'"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    edgeseg: Callable, refused: Callable, int8_model: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    result = edgeseg("bench", *(each.format(model=int8_model) for each in arguments), cwd=tmp_path)
    assert said in refused(result)
