"""Each probe against the healthy system, and against what it is there to find."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeseg.doctor.probe import Finding
from edgeseg.doctor.probes import PROBES
from edgeseg.doctor.report import COLUMNS, examine, lines
from edgeseg.doctor.system import System, recorded
from tests.doctor.cases import CASES, WRONG
from tests.doctor.systems import FILES, REPLIES, answer


def told(system: System, name: str) -> Finding:
    return next(probe.look(system) for probe in PROBES if probe.name == name)


@pytest.mark.parametrize("name", [probe.name for probe in PROBES])
def test_a_healthy_system_is_fine(machine: Callable[..., System], name: str) -> None:
    found = told(machine(), name)
    assert (found.state, found.fix) == ("fine", ""), found


def test_every_probe_has_something_to_find() -> None:
    assert {case[0] for case in WRONG} == {probe.name for probe in PROBES}


@pytest.mark.parametrize(("state", "name", "files", "replies", "text", "fix"), CASES, ids=lambda each: str(each)[:40])
def test_what_is_found(
    machine: Callable[..., System],
    state: str,
    name: str,
    files: dict[str, Any],
    replies: dict[str, Any],
    text: str,
    fix: str,
) -> None:
    found = told(machine(files, replies), name)
    assert found.state == state, found
    assert text in found.text
    assert fix in found.fix
    assert bool(fix) == bool(found.fix)
    printed = lines(name, found)
    assert max(map(len, printed)) <= COLUMNS
    assert printed[0].startswith(f"{state:<5}  {name}")


def test_an_empty_folder_gives_notes_and_no_command_is_asked(tmp_path: Path) -> None:
    found = dict(examine(recorded(tmp_path)))
    assert {each.state for each in found.values()} == {"note"}
    assert "cannot be run" in found["runtime"].text


@pytest.mark.parametrize("rubbish", ["", "\0\x01", "{}", "[1]", "=", "0x", "-1 ∞ = : 0xzz\n\n\n"])
def test_no_probe_stumbles_over_rubbish(machine: Callable[..., System], rubbish: str) -> None:
    files = dict.fromkeys(FILES, rubbish)
    system = machine(files, {line: answer(0, rubbish, rubbish) for line in REPLIES})
    assert len(list(examine(system))) == len(PROBES)


def test_elsewhere_than_on_linux_its_own_probes_do_not_apply(machine: Callable[..., System]) -> None:
    found = dict(examine(replace(machine(), linux=False)))
    assert found["power"].text == "does not apply: this is not Linux"
    assert found["python"].state == "fine"
