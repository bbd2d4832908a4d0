"""What each example has, whatever its board."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from edgeseg.cli import cli

ROOT = Path(__file__).parents[2]
FOLDERS = sorted({path.parent for path in (ROOT / "firmware_examples").glob("[!._]*/[!._]*")})
PROGRAMS = [path for folder in FOLDERS for path in [*folder.glob("*.py"), *folder.glob("*.cc")]]
COMMAND = re.compile(r"`(edgeseg [^`]+)`|^(edgeseg .+)$", re.MULTILINE)


def commands(folder: Path) -> list[str]:
    """Of the README, in line and in blocks; none where it is missing, which a test of its own says."""
    return [inline or block for path in folder.glob("README.md") for inline, block in COMMAND.findall(path.read_text())]


CASES = [pytest.param(line, id=f"{folder.name}-{line}") for folder in FOLDERS for line in commands(folder)]


def test_there_is_one_for_each_board() -> None:
    names = {folder.name for folder in FOLDERS}
    boards = {"raspberry_pi", "coral_usb", "coral_dev_board", "raspberry_pi_cpp", "microcontroller"}
    assert names == {*boards, "fleet"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_its_readme_leads_from_what_is_needed_to_what_goes_wrong(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["You need", "Steps", "You should see", "If not"]
    assert "Not tried on hardware" in text
    assert len(text.splitlines()) < 70


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_its_readme_names_every_file(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    built = {"CMakeLists.txt": "cmake"}  # by the program that reads it
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"git does not tell what belongs to it ({error})")
    files = set(listed.stdout.split()) - {"README.md"}
    assert files
    assert [name for name in files if built.get(name, name) not in text] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_it_has_a_program_and_a_service_or_a_build_file(folder: Path) -> None:
    assert [path for path in PROGRAMS if path.parent == folder]
    assert [*folder.glob("*.service"), *folder.glob("CMakeLists.txt"), *folder.glob("inventory.ini")]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_program_is_short(program: Path) -> None:
    assert len(program.read_text().splitlines()) < 60


@pytest.mark.parametrize("line", CASES)
def test_the_commands_are_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("RUN", "run", "MODEL"):  # what is there is taken as it is, else it must be a model of the zoo
        (tmp_path / name).mkdir()
    arguments = shlex.split(line)[1:]
    command: click.Command | None = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        command = command.get_command(context, arguments.pop(0))
    assert command is not None
    if arguments:  # else the text only names it
        command.make_context("edgeseg", arguments)
