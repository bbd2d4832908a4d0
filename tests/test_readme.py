"""What the README says is true."""

import re
import shlex
from pathlib import Path

import click
import cv2
import numpy as np
import pytest

from edgeseg.cli import cli
from edgeseg.scene.belt import Belt

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
LINES = [part.strip() for _, text in BLOCKS for line in text.splitlines() for part in line.split(";")]
COMMANDS = [line for line in LINES if line.startswith("edgeseg ")]


def test_the_python_lines_run(int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [text for language, text in BLOCKS if language == "python"]
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "belt.tflite").write_bytes(int8_model.read_bytes())
    cv2.imwrite(str(tmp_path / "frame.png"), Belt(0, (90, 120)).frame(0)[0])
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code, names)
    mask = names["mask"]
    assert isinstance(mask, np.ndarray)
    assert mask.shape == (90, 120)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_lines_are_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run", "street", "person"):  # what is there is taken as it is, else it must be a model of the zoo
        (tmp_path / name).mkdir()
    arguments = shlex.split(line)[1:]
    command: click.Command | None = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        if command.get_command(context, arguments[0]) is None:
            arguments = ["model", *arguments]  # `bench MODEL`
        command = command.get_command(context, arguments.pop(0))
    assert command is not None
    command.make_context("edgeseg", arguments)


def test_the_five_commands_are_there() -> None:
    first = [line.split()[1] for line in COMMANDS[:6]]
    assert first == ["data", "train", "quantize", "evaluate", "evaluate", "live"]


def test_no_figure_is_still_to_come() -> None:
    assert not re.search(r"@[A-Z]+@|TODO|TBD", README)


def test_every_command_stands_in_the_table() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        parts = [f"{name} {each}" for each in command.commands] if isinstance(command, click.Group) else [name]
        for part in parts:
            assert f"| `edgeseg {part}" in README


def test_the_set_up_is_two_make_targets() -> None:
    assert ("", "make demo\nmake test\n") in BLOCKS
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test", "lint"} <= set(targets)


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)
