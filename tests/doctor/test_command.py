import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeseg.commands.doctor import doctor
from edgeseg.doctor.probes import PROBES
from edgeseg.doctor.system import System
from edgeseg.errors import SourceError
from tests.doctor.systems import THROTTLED

RUN = "import sys; from edgeseg.commands.doctor import doctor; doctor(sys.argv[1:])"


def test_a_healthy_system_gives_a_line_a_probe_and_code_0(machine: Callable[..., System]) -> None:
    result = CliRunner().invoke(doctor, ["--root", str(machine().root)])
    assert result.exit_code == 0, result.output
    assert [line[7:17].strip() for line in result.output.splitlines()] == [probe.name for probe in PROBES]


def test_what_is_wrong_stands_with_its_cure_below_and_gives_code_3(machine: Callable[..., System]) -> None:
    result = CliRunner().invoke(doctor, ["--root", str(machine({THROTTLED: "50005\n"}).root)])
    assert result.exit_code == 3
    told = result.output.splitlines()
    at = next(number for number, line in enumerate(told) if line.startswith("wrong"))
    assert told[at : at + 2] == [
        "wrong  power       undervoltage now: the board runs slowly, and may stop",
        "  use the supply that is sold with the board, and a short thick cable",
    ]


def test_json_has_the_same_findings_and_code(machine: Callable[..., System]) -> None:
    result = CliRunner().invoke(doctor, ["--json", "--root", str(machine({THROTTLED: "50005\n"}).root)])
    assert result.exit_code == 3
    told = json.loads(result.output)
    assert told["version"] == 1
    assert [each["probe"] for each in told["findings"]] == [probe.name for probe in PROBES]
    assert [each["probe"] for each in told["findings"] if each["state"] == "wrong"] == ["power"]
    assert all(set(each) == {"probe", "state", "text", "fix"} for each in told["findings"])


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(doctor, ["--root", str(tmp_path / "none")])
    assert isinstance(result.exception, SourceError)


def test_colours_go_to_terminals_alone(machine: Callable[..., System]) -> None:
    command = [sys.executable, "-c", RUN, "--root", str(machine().root)]
    plain = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"\x1b" not in plain
    ours, theirs = pty.openpty()
    subprocess.run(command, stdout=theirs, check=True)
    os.close(theirs)
    assert b"\x1b[32mfine\x1b[0m" in os.read(ours, 65536)
    os.close(ours)


@pytest.mark.parametrize("broken", [{}, {"cv2.py": "import os; os.abort()", "numpy.py": "import os; os.abort()"}])
def test_this_machine_is_looked_at_even_where_its_libraries_abort(tmp_path: Path, broken: dict[str, str]) -> None:
    for name, text in broken.items():
        (tmp_path / name).write_text(text)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", RUN, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    states = {each["probe"]: each["state"] for each in json.loads(result.stdout)["findings"]}
    assert states["python"] == "fine", result.stderr
    assert states["runtime"] == states["cv2"] == ("wrong" if broken else "fine")
