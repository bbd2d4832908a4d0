"""The example for many boards, through the engine that it is for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.deploy.inventory import read_inventory
from tests.deploy.conftest import Sshd, bundle, make_board, user  # noqa: F401

FLEET = Path(__file__).parents[2] / "firmware_examples" / "fleet"
OURS = Path(__file__).parents[2] / ".venv-pyinfra" / "bin" / "pyinfra"
"""From `make test-slow`."""
PYINFRA = os.environ.get("PYINFRA") or (str(OURS) if OURS.is_file() else shutil.which("pyinfra"))


@pytest.fixture
def pyinfra(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the example with another inventory; `edgeseg` is the one that is tested."""
    if not PYINFRA:
        pytest.skip("needs pyinfra: make .venv-pyinfra/ready, or name one in the variable PYINFRA")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "edgeseg"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m edgeseg "$@"\n')
    command.chmod(0o755)

    def run(inventory: str, given: Path) -> subprocess.CompletedProcess[str]:
        (tmp_path / "inventory.ini").write_text(inventory)
        environment = os.environ | {
            "INVENTORY": str(tmp_path / "inventory.ini"),
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(FLEET.parents[1]),
        }
        words = [PYINFRA, "-y", FLEET / "inventory.py", FLEET / "fleet.py", "--data", f"bundle={given}"]
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=500)

    return run


def test_the_inventory_is_one_for_both() -> None:
    found = read_inventory(FLEET / "inventory.ini")
    assert [(each.name, each.host, each.user) for each in found] == [
        ("belt-1", "10.0.0.11", "pi"),
        ("belt-2", "10.0.0.12", "pi"),
        ("gate", "gate.local", "pi"),
    ]


@pytest.mark.slow
def test_pyinfra_has_edgeseg_deploy_to_each_board(
    make_board: Callable[..., Sshd],  # noqa: F811
    bundle: Callable[..., Path],  # noqa: F811
    pyinfra: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    one, two = make_board("one"), make_board("two")
    lines = [f"{board.folder.name} ansible_host=127.0.0.1 ansible_port={board.port}" for board in (one, two)]
    inventory = "\n".join(["[belts]", *lines, "[all:vars]", f"ansible_user={one.address.user}", ""])
    done = pyinfra(inventory, bundle())
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.current == one.serving() == two.serving()
    assert f"one: {one.address.user}@127.0.0.1:{one.port}: runs {one.current}" in done.stdout + done.stderr


@pytest.mark.slow
def test_pyinfra_hears_of_a_board_that_refuses(
    make_board: Callable[..., Sshd],  # noqa: F811
    pyinfra: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    board = make_board()
    (tmp_path / "bad.edgeseg").write_text("is none")
    lines = ["[belts]", f"one ansible_host=127.0.0.1 ansible_port={board.port} ansible_user={board.address.user}", ""]
    done = pyinfra("\n".join(lines), tmp_path / "bad.edgeseg")
    assert done.returncode != 0
    assert "[one] Error" in done.stderr
    assert "one: edgeseg: " in done.stdout
    assert "bad.edgeseg: is no bundle" in done.stdout
