from dataclasses import replace
from pathlib import Path

import pytest

from edgeseg.customise.ext4 import Ext4
from edgeseg.customise.system import System, read_system
from edgeseg.errors import DataError
from tests.customise.cards import BOOKWORM, Shape, elf, need, root_folder, tool


def read(shape: Shape, folder: Path) -> System:
    need("mke2fs")
    tool("mke2fs", "-q", "-t", "ext4", "-d", root_folder(folder / "root", shape), folder / "disk", "4M")
    with (folder / "disk").open("rb") as file:
        return read_system(Ext4(file, 0))


def test_trixie_is_told_by_cloud_init(tmp_path: Path) -> None:
    found = read(Shape(), tmp_path)
    assert found == System("Debian GNU/Linux 13 (trixie)", "trixie", (3, 13), "aarch64", cloud_init=True)
    assert found.way == "cloud-init"


def test_bookworm_and_early_trixie_take_a_script(tmp_path: Path) -> None:
    assert read(BOOKWORM, tmp_path).way == "firstrun"
    (tmp_path / "early").mkdir()
    assert read(Shape(cloud_init=False), tmp_path / "early").way == "firstrun"


BULLSEYE = 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_CODENAME=bullseye\n'
UBUNTU = 'PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nVERSION_CODENAME=noble\n'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release": BULLSEYE}, "holds 'Debian GNU/Linux 11 .bullseye.', which is not known here"),
        ({"release": UBUNTU}, "holds 'Ubuntu 24.04 LTS'"),
        ({"release": "NAME='it\"s odd\n"}, "holds 'no name'"),
        ({"program": elf(40, 1)}, "is a 32-bit system"),
        ({"program": elf(62)}, "is for x86_64"),
        ({"program": b"#!/bin/sh\n"}, "no Python that is known"),
        ({"python": "3"}, "python3"),
    ],
)
def test_other_systems_are_refused_with_what_to_take(change: dict[str, str], message: str, tmp_path: Path) -> None:
    if change == {"python": "3"}:
        (tmp_path / "none").mkdir()
        need("mke2fs")
        root = root_folder(tmp_path / "none/root", Shape())
        (root / "usr/bin/python3").unlink()
        tool("mke2fs", "-q", "-t", "ext4", "-d", root, tmp_path / "disk", "4M")
        with (tmp_path / "disk").open("rb") as file, pytest.raises(DataError, match=message):
            read_system(Ext4(file, 0))
        return
    with pytest.raises(DataError, match=f"{message}.*; take Raspberry Pi OS Lite .64-bit., Trixie or Bookworm"):
        read(replace(Shape(), **change), tmp_path)
