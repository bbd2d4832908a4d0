import importlib.util
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "firmware_examples" / "raspberry_pi"
PATH = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
ENVIRONMENT = os.environ | {"PYTHONPATH": PATH, "GPIOZERO_PIN_FACTORY": "mock"}


def switch(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "switch.py"), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT | environment, timeout=60, check=False
    )


def test_the_copy_step_names_every_file_that_a_later_step_uses() -> None:
    steps = (FOLDER / "README.md").read_text().partition("## Steps")[2].partition("## You should see")[0]
    copied = set(re.findall(r"`([\w.-]+)`", steps.partition("```")[0]))
    used = set(re.findall(r"[\w-]+\.(?:tflite|py|service)\b", "".join(steps.split("```")[1::2])))
    assert "model.tflite" in used
    assert used <= copied


def test_the_pin_bears_damaged_pictures_and_goes_off_while_the_camera_is_gone(int8_model: Path) -> None:
    done = switch(int8_model, "fake:?fps=10&frames=50&lost=1+2&corrupt=4", "--on", "belt")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["pin 17 on", "pin 17 off", "pin 17 on"]


def test_the_pin_stays_off_where_too_little_is_seen(int8_model: Path) -> None:
    done = switch(int8_model, "belt:?size=64x96&frames=20", "--on", "belt", "--area", "1.01", "--pin", "22")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_imitated_pin_is_switched(int8_model: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("gpiozero") is None:
        pytest.skip("needs gpiozero: pip install gpiozero")
    script = tmp_path / "watched.py"
    script.write_text(
        "import runpy, sys\n"
        "from gpiozero import Device\n"
        "from gpiozero.pins.mock import MockFactory\n"
        "Device.pin_factory = MockFactory()\n"
        "pin = Device.pin_factory.pin(17)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0])\n"
        "print([bool(each.state) for each in pin.states])\n"
    )
    command = [FOLDER / "switch.py", int8_model, "belt:?size=64x96&frames=5", "--on", "belt"]
    done = subprocess.run(
        [sys.executable, script, *command], capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["pin 17 on", "[False, True]"]


def test_systemd_hears_that_it_is_ready_and_alive_and_may_end_it(int8_model: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        told = ENVIRONMENT | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        command = [sys.executable, FOLDER / "switch.py", int8_model, "belt:?size=64x96&fps=20", "--on", "belt"]
        with subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL) as process:
            heard = [systemd.recv(100).decode() for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    assert heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("belt:", "wheel", "knows belt, washer"),
        ("/dev/video99", "belt", "no such"),
        ("belt:?frames=x", "belt", "belt:"),
    ],
)
def test_a_mistake_is_one_line(source: str, name: str, message: str, int8_model: Path) -> None:
    done = switch(int8_model, source, "--on", name)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert line.startswith("error: ")
    assert message in line


def test_the_service_starts_it_as_it_wants_to_be_started(int8_model: Path) -> None:
    (started,) = re.findall(r"^ExecStart=(.+)$", (FOLDER / "edgeseg-switch.service").read_text(), re.MULTILINE)
    _, program, model, source, *rest = shlex.split(started)
    assert Path(program).name == "switch.py"
    assert (Path(model).suffix, source) == (".tflite", "picamera:0")
    assert switch(int8_model, "belt:?size=64x96&frames=2", *rest).returncode == 0
