import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeseg.commands.flash import flash
from tests.flash.conftest import MakeCard, attach, detach, untouched

ROOT = Path(__file__).parents[2]


def run(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(flash, [str(argument) for argument in arguments], input=typed)


def test_a_card_is_written_once_its_name_is_typed(
    image: Path, content: bytes, make_card: MakeCard, tmp_path: Path
) -> None:
    card = make_card()
    result = run(image, "--to", card.path, "--allow-loop", typed=f" {card.path.upper()}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{card.path}: written (13.6 MB), read back and the same\n"
    assert f"All that is on {card.path} ({card.path}, 25.2 MB) will be lost." in result.stderr
    assert (tmp_path / "card.bin").read_bytes().startswith(content)


@pytest.mark.parametrize("typed", ["", "yes\n"])
def test_anything_else_typed_writes_nothing(typed: str, image: Path, make_card: MakeCard, tmp_path: Path) -> None:
    result = run(image, "--to", make_card().path, "--allow-loop", typed=typed)
    assert "nothing was written" in str(result.exception)
    assert result.exception.exit_code == 2  # type: ignore[union-attr]
    assert untouched(tmp_path)


def test_with_yes_nothing_is_asked(image: Path, make_card: MakeCard) -> None:
    result = run(image, "--to", make_card().path, "--allow-loop", "--yes", "--no-verify")
    assert result.output.endswith("written (13.6 MB), not read back\n")


def test_a_loop_device_is_refused_unless_allowed(image: Path, make_card: MakeCard, tmp_path: Path) -> None:
    assert "--allow-loop lets it pass" in str(run(image, "--to", make_card().path, "--yes").exception)
    assert untouched(tmp_path)


def test_a_loop_device_on_a_disk_is_refused_also_when_allowed(image: Path, make_card: MakeCard, tmp_path: Path) -> None:
    card, attached = make_card(), list[str]()
    try:
        outer = attach(Path(card.path), attached)
        result = run(image, "--to", outer.path, "--yes", "--allow-loop")
    finally:
        detach(attached)
    assert f"is a loop device on the disk {card.path}; give that disk itself" in str(result.exception)
    assert untouched(tmp_path)


def test_a_card_that_is_too_small_is_refused(image: Path, make_card: MakeCard) -> None:
    result = run(image, "--to", make_card(13).path, "--yes", "--allow-loop")
    assert "is too small: it holds 13.6 MB" in str(result.exception)


def test_a_mounted_disk_is_refused_with_the_command_that_frees_it(
    image: Path, make_card: MakeCard, tmp_path: Path
) -> None:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4: apt install e2fsprogs")
    card = make_card()
    (tmp_path / "at").mkdir()
    made = subprocess.run(["mkfs.ext4", "-q", card.path], check=False)
    if made.returncode or subprocess.run(["mount", card.path, str(tmp_path / "at")], check=False).returncode:
        pytest.skip("ext4 cannot be mounted here")
    try:
        result = run(image, "--to", card.path, "--yes", "--allow-loop")
    finally:
        subprocess.run(["umount", str(tmp_path / "at")], check=True)
    assert str(result.exception).endswith(f"is mounted at {tmp_path / 'at'}; run  sudo umount {card.path}")


def test_a_read_only_disk_is_refused(image: Path, make_card: MakeCard) -> None:
    card = make_card(read_only=True)
    assert card.read_only
    assert "is read-only" in str(run(image, "--to", card.path, "--yes", "--allow-loop").exception)


def test_without_permission_the_command_to_run_is_told(make_card: MakeCard) -> None:
    code = "import os, sys; from edgeseg.flash.card import open_card; os.setgroups([]); os.seteuid(65534)\n"
    command = [sys.executable, "-c", code + "open_card(sys.argv[1]).__enter__()", make_card().path]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = result.stderr.splitlines()[-1]
    assert f"permission denied; run  sudo $(command -v edgeseg) flash … --to {command[-1]}" in last


def test_disks_are_listed_with_why_they_are_refused(make_card: MakeCard) -> None:
    card = make_card()
    assert f"{card.path}  25.2 MB\n    is a loop device" in run("--list").output
    assert f"{card.path}  25.2 MB\n    edgeseg flash IMAGE --to {card.path}\n" in run("--list", "--allow-loop").output


def test_a_file_is_written(image: Path, content: bytes, tmp_path: Path) -> None:
    result = run(image, "--to", tmp_path / "card.img")
    assert result.output == f"{tmp_path / 'card.img'}: written (13.6 MB), read back and the same\n"
    assert (tmp_path / "card.img").read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="cards are written on Linux only")
def test_a_device_that_is_not_there_is_refused(image: Path) -> None:
    assert "/dev/nosuch: no such disk" in str(run(image, "--to", "/dev/nosuch").exception)


def test_what_is_missing_is_named(image: Path) -> None:
    assert "give an image and where it goes" in str(run(image).exception)
