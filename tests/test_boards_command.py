import json

import pytest
from click.testing import CliRunner

from edgeseg.boards import BOARDS
from edgeseg.commands.boards import boards


@pytest.fixture
def told() -> str:
    result = CliRunner().invoke(boards)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_each_board_is_named_with_the_ways_onto_it(told: str, board) -> None:
    row = next(line for line in told.splitlines() if line.startswith(f"{board.name} "))
    assert board.description in row
    assert ", ".join(board.ways) in row


def test_it_fits_into_80_columns(told: str) -> None:
    assert max(map(len, told.splitlines())) <= 80


def test_what_was_not_tried_on_hardware_says_so(told: str) -> None:
    claim = told.partition("Not tried on hardware: ")[2].partition(".")[0].split()
    assert [name.rstrip(",") for name in claim] == [board.name for board in BOARDS if not board.tried]


def test_json_holds_every_row() -> None:
    rows = json.loads(CliRunner().invoke(boards, ["--json"]).output)
    assert [row["name"] for row in rows] == [board.name for board in BOARDS]
    assert rows[0]["ways"] == ["flash", "ssh"]
