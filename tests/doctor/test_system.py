import sys
from pathlib import Path

import pytest

from edgeseg.doctor.system import ANSWERS, Answer, recorded, run_here
from edgeseg.errors import SourceError


def test_a_command_gives_its_code_and_both_of_its_outputs() -> None:
    assert run_here(["sh", "-c", "echo out; echo err >&2; exit 7"]) == Answer(7, "out\n", "err\n")


def test_python_is_the_one_that_edgeseg_runs_in() -> None:
    answer = run_here(["python", "-c", "import sys; print(sys.executable)"])
    assert answer is not None
    assert answer.out.strip() == sys.executable


def test_a_program_that_does_not_exist_gives_no_answer() -> None:
    assert run_here(["no-such-program-anywhere"]) is None


def test_a_crash_is_named_by_its_signal() -> None:
    answer = run_here(["python", "-c", "import os; os.abort()"])
    assert answer is not None
    assert answer.reason == "it crashes (SIGABRT)"


@pytest.mark.parametrize(
    ("err", "reason"),
    [
        ("Traceback …\nOSError: libfoo.so: gone\n", "libfoo.so: gone"),
        ("edgeseg: no model\n", "no model"),
        ("a.b.ModelError: x \x1b[2J y\n\n", "x ?[2J y"),
        ("", "it ends with code 1"),
    ],
)
def test_the_reason_is_the_last_line_of_the_errors(err: str, reason: str) -> None:
    assert Answer(1, "", err).reason == reason


def test_json_is_the_last_line_and_nothing_where_there_is_none() -> None:
    assert Answer(0, 'a warning\n{"a": 1}\n').json() == {"a": 1}
    assert [Answer(0, out).json() for out in ("", "[1]", "{")] == [{}, {}, {}]


def test_names_stay_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys/hex").write_text("0x10\n")
    (tmp_path / "sys/word").write_text("Pi\0")
    system = recorded(tmp_path)
    assert system.glob("/sys/*") == ["/sys/hex", "/sys/word"]
    assert (system.number("/sys/hex"), system.number("/sys/word"), system.number("/sys/none")) == (16, None, None)
    assert (system.text("/sys/word"), system.text("/etc/passwd")) == ("Pi", None)
    assert system.ask(["date", "+%s"]) is None


@pytest.mark.parametrize("text", ["no json", "[]", '{"date": 1}', '{"date": {"colour": 0}}'])
def test_answers_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ANSWERS).write_text(text)
    with pytest.raises(SourceError, match=r"answers\.json: cannot be read"):
        recorded(tmp_path)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder; give the one that stands in for /"):
        recorded(tmp_path / "none")
