import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgeseg.customise.fat import check_room, open_fat, tables
from edgeseg.errors import DataError, OutputError
from tests.customise.cards import BOOT_AT, BOOT_MIB, MIB, boot_of, check_fat, names_on_card, on_card, tool


def test_what_is_written_is_what_mtools_read(trixie: Path, tmp_path: Path) -> None:
    data = random.Random(5).randbytes(2_000_003)
    before = names_on_card(trixie)
    with open_fat(trixie, writable=True) as fat:
        fat.write("edgeseg/packages.tar.gz", data)
        fat.write("edgeseg/keys/0123456789abcdef.pub.pem", b"a key\n")
        fat.write("cmdline.txt", b"shorter\n")
        fat.write("edgeseg/empty", b"")
        assert fat.read("edgeseg/PACKAGES.tar.gz") == data
        assert fat.read("edgeseg/nothing") is None
        assert fat.read("edgeseg") is None
    check_fat(trixie, tmp_path)
    assert on_card(trixie, "edgeseg/packages.tar.gz") == data
    assert on_card(trixie, "cmdline.txt") == b"shorter\n"
    assert on_card(trixie, "edgeseg/empty") == b""
    added = {"edgeseg/packages.tar.gz", "edgeseg/keys/0123456789abcdef.pub.pem", "edgeseg/empty"}
    assert names_on_card(trixie) == before | added


def test_nothing_but_what_is_told_changes(trixie: Path, trixie_image: Path) -> None:
    with open_fat(trixie, writable=True) as fat:
        fat.write("edgeseg/a", random.Random(5).randbytes(300_000))
        written = fat.written
    old, new = np.fromfile(trixie_image, np.uint8), np.fromfile(trixie, np.uint8)
    told = np.zeros(old.size, bool)
    for start, stop in written:
        told[start:stop] = True
        assert BOOT_AT * MIB <= start < stop <= (BOOT_AT + BOOT_MIB) * MIB
    assert (old != new).any()
    assert not (old != new)[~told].any()


def test_reading_changes_nothing(trixie: Path, trixie_image: Path) -> None:
    trixie.chmod(0o400)
    with open_fat(trixie) as fat:
        assert fat.read("config.txt") is not None
    assert trixie.read_bytes() == trixie_image.read_bytes()


def test_free_space_is_what_mdir_says(trixie: Path) -> None:
    told = tool("mdir", "-i", boot_of(trixie), "::").strip().splitlines()[-1]
    assert tables(trixie)[2] == int("".join(filter(str.isdigit, told)))


def test_what_is_too_big_is_named_before_anything_is_written(trixie: Path) -> None:
    with pytest.raises(OutputError, match=r"41\.\d MB free and 50\.\d MB .*\(large 49\.0 MB, small 1\.0 MB\); take"):
        check_room(trixie, {"small": 1_000_000, "large": 49_000_000})
    check_room(trixie, {"large": 39_000_000})


def test_a_file_that_does_not_fit_is_no_success(trixie: Path) -> None:
    with open_fat(trixie, writable=True) as fat, pytest.raises(OutputError, match="big: there is no room"):
        fat.write("big", bytes(45 * MIB))


def test_an_error_of_the_disk_is_told(trixie: Path, full_disk: object) -> None:
    with (
        full_disk(MIB + 100_000),
        pytest.raises(OutputError, match="cannot be"),
        open_fat(trixie, writable=True) as fat,
    ):  # type: ignore[operator]
        fat.write("edgeseg/a", bytes(1000))


def test_a_disk_without_a_fat_is_refused(trixie: Path) -> None:
    with trixie.open("r+b") as file:
        file.seek(BOOT_AT * MIB)
        file.write(bytes(4096))
    with pytest.raises(DataError, match="not FAT32"):
        tables(trixie)
    with pytest.raises(DataError, match="holds no FAT"), open_fat(trixie):
        pass


def test_a_file_system_that_claims_more_than_its_partition_is_refused(trixie: Path) -> None:
    with trixie.open("r+b") as file:
        file.seek(BOOT_AT * MIB + 32)
        file.write((BOOT_MIB * 2048 + 8).to_bytes(4, "little"))
    with pytest.raises(DataError, match="not FAT32"):
        tables(trixie)


def test_one_after_the_other_may_be_open(trixie: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(trixie, tmp_path / "other.img"))
    for path in (trixie, other, trixie):
        with open_fat(path, writable=True) as fat:
            fat.write("a", path.name.encode())
    assert on_card(other, "a") == b"other.img"
