import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgeseg.errors import UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.training.distribution import ADDRESS, COUNT, NUMBER, connect, is_first, own_rows, spread

ROOT = Path(__file__).parents[2]
TINY = ("--model", "nano", "--size", "48x64", "--epochs", "2", "--batch", "8", "--learning-rate", "0.001")


def start(devices: int, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """The command line under JAX, which is to take the CPU for so many devices."""
    command = [sys.executable, "-m", "edgeseg", *map(str, arguments)]
    settings = {"KERAS_BACKEND": "jax", "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    env = os.environ | {"PYTHONPATH": str(ROOT)} | settings | environment
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with process:
        try:
            out, errors = process.communicate(timeout=500)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def start_two(devices: Sequence[int], *arguments: object, seeds: Sequence[int]) -> list[subprocess.Popen[str]]:
    """Two processes that train together, met on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        start(devices[i], *arguments, "--seed", seeds[i], **{ADDRESS: address, COUNT: "2", NUMBER: str(i)})
        for i in range(2)
    ]


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text())]


@pytest.fixture(scope="module")
def one_device(belt_set: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    run = tmp_path_factory.mktemp("one") / "run"
    result = finish(start(1, "train", belt_set, "-o", run, *TINY))
    assert result.returncode == 0, result.stderr
    return losses(run)


@pytest.mark.slow
def test_four_devices_lose_what_one_does(belt_set: Path, tmp_path: Path, one_device: list[float]) -> None:
    run = tmp_path / "run"
    result = finish(start(4, "train", belt_set, "-o", run, *TINY))
    assert result.returncode == 0, result.stderr
    assert "each step runs on 4 devices" in result.stderr
    assert losses(run) == pytest.approx(one_device, abs=1e-4)
    best = max(entry["val_miou"] for entry in json.loads((run / "history.json").read_text()))
    assert evaluate_file(run, belt_set).scores.miou == pytest.approx(best, abs=1e-3)


@pytest.mark.slow
def test_two_processes_lose_what_one_does_and_one_of_them_writes(
    belt_set: Path, tmp_path: Path, one_device: list[float]
) -> None:
    run = tmp_path / "run"
    first, second = map(finish, start_two((1, 1), "train", belt_set, "-o", run, *TINY, seeds=(0, 0)))
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert "each step runs on 2 devices of 2 processes" in first.stderr
    assert "val mIoU in epoch" in first.stdout
    assert "val mIoU in epoch" not in second.stdout
    assert losses(run) == pytest.approx(one_device, abs=1e-4)
    assert {path.name for path in run.iterdir()} == {
        "run.json",
        "best.keras",
        "state.npz",
        "history.json",
        "history.png",
    }


def test_processes_that_were_asked_different_things_refuse(
    belt_set: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    run = tmp_path / "run"
    for process in start_two((1, 1), "train", belt_set, "-o", run, *TINY, seeds=(0, 1)):
        assert "were asked different things" in refused(finish(process), 2)
    assert not run.exists()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--batch", "6", "give --batch 8, or --devices 3"), ("--devices", "5", "there are only 4")],
)
def test_a_batch_or_a_number_that_the_devices_cannot_share_is_refused(
    belt_set: Path, tmp_path: Path, refused: Callable[..., str], option: str, value: str, told: str
) -> None:
    run = tmp_path / "run"
    assert told in refused(finish(start(4, "train", belt_set, "-o", run, *TINY, option, value)), 2)
    assert not run.exists()


def test_without_jax_several_devices_are_refused_and_one_is_nothing_special() -> None:
    with pytest.raises(UsageError, match="several devices need KERAS_BACKEND=jax"):
        spread(8, 2)
    with pytest.raises(UsageError, match="at least 1"):
        spread(8, 0)
    with spread(3, 1):
        assert list(own_rows(3)) == [0, 1, 2]
    assert is_first()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({ADDRESS: "127.0.0.1:1234"}, f"{COUNT} is not"),
        ({COUNT: "2", NUMBER: "0"}, f"{ADDRESS} is not"),
        ({ADDRESS: "127.0.0.1:1234", COUNT: "2", NUMBER: "0"}, "several processes need KERAS_BACKEND=jax"),
    ],
)
def test_half_an_address_is_refused(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=told):
        connect()
