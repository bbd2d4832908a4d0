import io
from pathlib import Path

import pytest

from edgeseg.customise.partitions import Partition, boot_and_root
from edgeseg.errors import DataError
from tests.customise.cards import BOOT_AT, BOOT_MIB, MIB, ROOT_MIB, need, tool


def made(folder: Path, table: str) -> Path:
    need("sfdisk")
    path = folder / "disk.img"
    path.write_bytes(bytes(64 * MIB))
    tool("sfdisk", "-q", path, data=table.encode())
    return path


def test_both_are_found(trixie_image: Path) -> None:
    with trixie_image.open("rb") as file:
        boot, root = boot_and_root(file)
    assert boot == Partition(BOOT_AT * MIB, BOOT_MIB * MIB)
    assert root == Partition((BOOT_AT + BOOT_MIB) * MIB, ROOT_MIB * MIB)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("label: gpt\nsize=2048\nsize=2048\n", "has a GPT"),
        ("label: dos\nsize=2048, type=83\n", "no FAT32 boot partition"),
        ("label: dos\nsize=2048, type=e\nsize=2048, type=83\n", "no FAT32 boot partition"),
        ("label: dos\nsize=2048, type=c\n", "no Linux partition"),
    ],
)
def test_other_disks_are_refused_with_what_to_do(table: str, message: str, tmp_path: Path) -> None:
    with made(tmp_path, table).open("rb") as file, pytest.raises(DataError, match=f"{message}.*; give a fresh"):
        boot_and_root(file)


def test_a_disk_that_was_cut_off_is_refused(trixie_image: Path) -> None:
    data = trixie_image.read_bytes()[: 20 * MIB]
    with pytest.raises(DataError, match="ends before"):
        boot_and_root(io.BytesIO(data))
    with pytest.raises(DataError, match="no partition table"):
        boot_and_root(io.BytesIO(bytes(512)))
