"""Finding out what a board is, by whatever Python it has."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FACTS = Path(__file__).parents[2] / "edgeseg/board/facts.py"


def pythons() -> list[str]:
    """This one and, where there is one, the oldest that a board has."""
    return [sys.executable, *map(str, Path.home().glob(".pyenv/versions/3.7.*/bin/python"))]


@pytest.fixture(params=pythons(), ids=lambda path: "this" if path == sys.executable else "3.7")
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """As over SSH: the file comes through standard input."""

    def facts() -> dict[str, Any]:
        done = subprocess.run(
            [request.param, "-I", "-"],
            input=FACTS.read_text(),
            env=os.environ | {"EDGESEG_ROOT": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    return facts


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_raspberry_pi_with_two_cameras_and_a_coral(ask: Any, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/meminfo": "MemTotal:        8245264 kB\nMemFree: 1 kB\n",
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\n'
            "VERSION_CODENAME=trixie\nID=debian\n",
            "sys/class/video4linux/video0/name": "HD Webcam\n",
            "sys/class/video4linux/video0/index": "0\n",
            "sys/class/video4linux/video1/name": "HD Webcam\n",
            "sys/class/video4linux/video1/index": "1\n",
            "sys/class/video4linux/video20/name": "pispbe-input\n",
            "sys/class/video4linux/video20/index": "0\n",
            "sys/bus/i2c/devices/10-001a/name": "imx708\n",
            "sys/bus/i2c/devices/10-000c/name": "dw9807-vcm\n",
            "sys/bus/usb/devices/2-1/idVendor": "18d1\n",
            "sys/bus/usb/devices/2-1/idProduct": "9302\n",
            "run/systemd/system/.keep": "",
            "opt/edgeseg/releases/0123456789abcdef/release.json": "",
            "opt/edgeseg/packages/fedcba9876543210/numpy": "",
            "opt/edgeseg/packages/.half/numpy": "",
            "opt/edgeseg/keys/ours.pub.pem": "",
        },
    )
    (tmp_path / "opt/edgeseg/current").symlink_to("releases/0123456789abcdef")
    found = ask()
    assert found["model"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert found["os"] == {"id": "debian", "codename": "trixie", "version": "13"}
    assert found["memory_mb"] == 8052
    assert found["cameras"] == ["HD Webcam", "imx708"]
    assert found["edgetpu"] == "usb"
    assert found["systemd"]
    assert found["free_bytes"] > 0
    assert found["edgeseg"] == {
        "current": "0123456789abcdef",
        "releases": ["0123456789abcdef"],
        "packages": ["fedcba9876543210"],
        "keys": ["ours.pub.pem"],
    }


def test_a_board_that_tells_nothing(ask: Any) -> None:
    found = ask()
    assert (found["model"], found["memory_mb"], found["cameras"], found["edgetpu"]) == ("", None, [], "none")
    assert not found["systemd"]
    assert found["edgeseg"] == {"current": None, "releases": [], "packages": [], "keys": []}
    assert found["machine"] == os.uname().machine


def test_a_coral_on_the_board(ask: Any, tmp_path: Path) -> None:
    folder = "sys/bus/pci/devices/0000:01:00.0"
    write(tmp_path, {f"{folder}/vendor": "0x1ac1\n", f"{folder}/device": "0x089a\n"})
    assert ask()["edgetpu"] == "pcie"
