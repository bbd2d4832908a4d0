from typing import Any

from edgeseg.deploy.address import Address
from edgeseg.deploy.errors import BoardError, ReturnedError
from edgeseg.deploy.fleet import Outcome, exit_code
from edgeseg.deploy.report import problems, text, to_json
from edgeseg.deploy.rollout import Result
from edgeseg.deploy.run import State
from tests.deploy.test_facts import facts

PI = Address("a-board-with-a-rather-long-name.example.org", "pi")
FINE = Outcome(PI, Result("0" * 16, "1" * 16, "Raspberry Pi 5", 60_400_000, 41.2, True, ("a note",)), None)
AWAY = Outcome(Address("shed"), None, BoardError("cannot be reached"))
BACK = Outcome(Address("gate"), None, ReturnedError("the page says 503"))
STATUS: dict[str, Any] = {
    "current": "0" * 16,
    "service": {"state": "active"},
    "page": {"port": 8080, "health": "nothing answers at port 8080 (Connection refused)"},
}


def test_a_board_that_runs_it_and_those_that_do_not_are_told() -> None:
    outcomes = [FINE, AWAY, BACK]
    first, second = text(outcomes).splitlines()
    assert first.endswith("runs 0000000000000000 (Raspberry Pi 5; 60.4 MB sent, 41 s)")
    assert second.endswith(": a note")
    assert problems(outcomes) == [
        "shed: cannot be reached",
        "gate: returned to what ran before: the page says 503",
    ]
    assert [each["state"] for each in to_json(outcomes)] == ["running", "failed", "returned"]


def test_the_exit_code_is_that_of_all_failures_or_one() -> None:
    assert exit_code([FINE]) == 0
    assert exit_code([FINE, BACK]) == 3
    assert exit_code([BACK, AWAY]) == 1


def test_a_table_of_states_has_its_place_in_80_columns() -> None:
    there = Outcome(PI, State(facts(), STATUS), None)
    bare = Outcome(PI, State(facts(), {}), None)
    lines = text([there, bare, AWAY]).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines[:4])) <= 80
    assert "0000000000000000  active   wrong  3.13 Raspberry Pi 5" in lines[2]
    assert lines[4].endswith("its page: nothing answers at port 8080 (Connection refused)")
    assert [each["state"] for each in to_json([there, bare])] == ["active", None]
