"""The systemd units, as far as a machine without the boards can tell."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "firmware_examples").glob("*/*.service"))
EXPOSED = 40
"""Of 100; systemd-analyze calls a service OK up to there."""


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("systemd-analyze")
    text, count = re.subn(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.MULTILINE)
    assert count == 1  # verify wants the program to be there
    copy = tmp_path / unit.name
    copy.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_it_starts_with_the_board_and_again_whenever_it_ended(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0", "WantedBy=multi-user.target"} <= set(lines)


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if "Type=notify" in unit.read_text()], ids=lambda path: path.stem
)
def test_it_may_do_little_and_must_show_that_it_lives(unit: Path, needs: Callable[..., None]) -> None:
    needs("systemd-analyze")
    lines = set(unit.read_text().splitlines())
    assert {"WatchdogSec=30", "DynamicUser=yes", "NoNewPrivileges=yes"} <= lines
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSED}", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]
