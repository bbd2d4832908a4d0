"""How it went with each board, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgeseg.deploy.errors import ReturnedError
from edgeseg.deploy.fleet import Outcome
from edgeseg.deploy.rollout import Result
from edgeseg.deploy.run import State
from edgeseg.printable import printable
from edgeseg.terminal import table

FINE = "ok"
"""What a page says that is well."""


def text(outcomes: Sequence[Outcome]) -> str:
    """What went well: a line a board, or a table of states."""
    states = [(each, each.result) for each in outcomes if isinstance(each.result, State)]
    if states:
        rows = [[_cut(each.address.title, 20), *_row(state)] for each, state in states]
        lines = [table(["board", "release", "service", "page", "Python, model"], rows, left=range(5))]
        lines += [f"{each.address.title}: {word}" for each, state in states for word in _worries(state)]
        return "\n".join(lines)
    return "\n".join(line for each in outcomes if each.error is None for line in _lines(each))


def problems(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each board that failed: what is wrong, and what to do."""
    return [f"{each.address.title}: {_said(each)}" for each in outcomes if each.error]


def to_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A mapping for each board: board, state (running, returned, failed, or that of its service) and more."""
    found = []
    for each in outcomes:
        one: dict[str, Any] = {"board": each.address.title}
        if each.error:
            one |= {
                "state": "returned" if isinstance(each.error, ReturnedError) else "failed",
                "reason": str(each.error),
            }
        elif isinstance(each.result, Result):
            one |= {"state": "running", **asdict(each.result)}
        elif isinstance(each.result, State):
            one |= {"state": _service(each.result), "facts": each.result.facts.raw, "status": each.result.board}
        else:
            one |= {"state": "running", **each.result}
        found.append(one)
    return found


def _lines(outcome: Outcome) -> list[str]:
    result = outcome.result
    title = outcome.address.title
    if not isinstance(result, Result):
        return [f"{title}: runs {result.get('release')} again"]
    sent = f"{result.sent_bytes / 1e6:.1f} MB sent" if result.sent_bytes else "nothing to send"
    runs = f"{'runs' if result.switched else 'ran already, and well:'} {result.release}"
    first = f"{title}: {runs} ({result.model}; {sent}, {result.seconds:.0f} s)"
    return [first, *(f"{title}: {note}" for note in result.notes)]


def _said(outcome: Outcome) -> str:
    said = str(outcome.error)
    return f"returned to what ran before: {said}" if isinstance(outcome.error, ReturnedError) else said


def _row(state: State) -> list[str]:
    facts, health = state.facts, _health(state)
    page = "–" if health is None else "ok" if health == FINE else "wrong"
    what = f"{facts.version} {facts.model}"
    return [state.board.get("current") or "–", _service(state) or "–", page, _cut(what, 21)]


def _worries(state: State) -> list[str]:
    """What of the board is not as it should be."""
    health, last = _health(state), state.board.get("last_switch") or {}
    found = [f"its page: {printable(health)}"] if health not in (None, FINE) else []
    if last.get("state") == "returned":
        found.append(f"returned from {last.get('release')}: {printable(str(last.get('reason')))}")
    return found


def _service(state: State) -> str | None:
    service = state.board.get("service") or {}
    return printable(str(service["state"]))[:10] if service.get("state") else None


def _health(state: State) -> str | None:
    page = state.board.get("page")
    return str(page.get("health")) if isinstance(page, dict) else None


def _cut(words: str, width: int) -> str:
    return words if len(words) <= width else f"{words[: width - 1]}…"
