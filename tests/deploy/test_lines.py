import os
import pty
import re
import subprocess
import sys

import pytest

from edgeseg.deploy.address import Address
from edgeseg.deploy.lines import Lines

PROGRAM = """
from edgeseg.deploy.address import Address
from edgeseg.deploy.lines import Lines
lines = Lines()
boards = [Address(f"a-board-with-a-rather-long-name-{n}.example.org", "somebody", 2222) for n in range(40)]
for n, board in enumerate(boards):
    lines.watch(board, "packages", n * 1_000_000, 40_000_000)
for board in boards[1:]:
    lines.watch(board, "done", 0, 0)
lines.watch(boards[0], "self-test", 0, 0)
lines.clear()
"""


def in_a_terminal(program: str) -> str:
    """What the program writes to a terminal of 80x24."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([sys.executable, "-c", program], stderr=theirs, env=os.environ | {"COLUMNS": "80"})
    os.close(theirs)
    out = b""
    try:
        while data := os.read(ours, 65536):
            out += data
    except OSError:
        pass  # the terminal is closed
    assert child.wait() == 0
    os.close(ours)
    return out.decode()


def screen(written: str) -> tuple[list[str], int]:
    """What stands there at the end, and the most lines that ever stood there."""
    rows, row, most = [""], 0, 0
    for part in re.split(r"(\x1b\[\d*[AJ]|\r?\n|\r)", written):
        if part.endswith("A"):
            row -= int(part[2:-1])
        elif part == "\x1b[J":
            rows = [*rows[:row], ""]
        elif part.endswith("\n"):
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part != "\r":
            rows[row] = part
        assert row >= 0
        most = max(most, len(rows))
        assert all(len(line) < 80 for line in rows)
    return rows, most


def test_many_boards_stay_within_the_terminal_and_leave_nothing_behind() -> None:
    written = in_a_terminal(PROGRAM)
    rows, most = screen(written)
    assert rows == [""]
    assert 20 < most <= 24
    assert re.search(r"… and \d+ more", written)
    assert "self-test" in written


def test_without_a_terminal_a_stage_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for done in (1, 2, 3):
        lines.watch(Address("pi"), "packages", done, 3)
    lines.watch(Address("pi"), "done", 0, 0)
    lines.clear()
    assert capsys.readouterr().err == "pi: packages\npi: done\n"
