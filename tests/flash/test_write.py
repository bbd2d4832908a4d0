import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeseg.errors import DataError, UsageError
from edgeseg.flash.card import open_card
from edgeseg.flash.errors import CardError
from edgeseg.flash.image import open_image
from edgeseg.flash.units import MIB
from edgeseg.flash.write import Written, write_card, write_file
from tests.flash.bmap import bmap
from tests.flash.conftest import MakeCard, untouched
from tests.flash.test_image import pack

ROOT = Path(__file__).parents[2]
BLANK = bytes(MIB)
MAPPED = [(0, 1279), (2048, 3328)]
"""Blocks of the image that are not zeros; the last is not full."""


def stored(folder: Path) -> bytes:
    return (folder / "card.bin").read_bytes()


@pytest.mark.parametrize("kind", ["img", "xz", "zst", "gz"])
def test_a_card_holds_the_image_and_is_not_touched_behind_but_by_marks(
    kind: str, content: bytes, make_card: MakeCard, tmp_path: Path
) -> None:
    (tmp_path / "packed").write_bytes(pack(kind, content))
    assert write_card(open_image(tmp_path / "packed"), make_card()) == Written(len(content), len(content), True)
    data = stored(tmp_path)
    assert data[: len(content)] == content
    assert data[-MIB + 4096 :] == BLANK[4096:]  # the backup of an old partition table is gone
    assert not data[len(content) : 14 * MIB].strip(b"\xee\0")


def test_an_image_as_large_as_the_card_fits(content: bytes, make_card: MakeCard, image: Path, tmp_path: Path) -> None:
    write_card(open_image(image), make_card(len(content) / MIB))
    assert stored(tmp_path) == content


def test_a_larger_image_is_refused_before_the_first_byte(make_card: MakeCard, image: Path, tmp_path: Path) -> None:
    card = make_card(13)
    with pytest.raises(UsageError):
        write_card(open_image(image), card)
    assert untouched(tmp_path)


OTHER: list[dict[str, Any]] = [
    {"size": 64 * MIB}, {"model": "Ultra"}, {"serial": "0x1"}, {"removable": True}, {"kind": "disk"},
]  # fmt: skip


@pytest.mark.parametrize("other", OTHER, ids=lambda other: next(iter(other)))
def test_a_card_that_was_exchanged_is_refused(
    other: dict[str, Any], make_card: MakeCard, image: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="another disk than a moment ago"):
        write_card(open_image(image), replace(make_card(), **other))
    assert untouched(tmp_path)


def test_a_disk_in_use_is_refused(make_card: MakeCard, image: Path) -> None:
    card = make_card()
    with open_card(card.path), pytest.raises(UsageError, match=r"cannot be opened.*busy.*close what has it open"):
        write_card(open_image(image), card)


def test_only_mapped_blocks_are_written(content: bytes, make_card: MakeCard, image: Path, tmp_path: Path) -> None:
    image.with_suffix(".bmap").write_text(bmap(content, MAPPED))
    outcome = write_card(open_image(image), make_card())
    assert outcome == Written(len(content) - 3 * MIB, len(content), True)
    data = stored(tmp_path)
    assert data[: 5 * MIB] == content[: 5 * MIB]
    assert data[5 * MIB + 4096 : 6 * MIB] == b"\xee" * (MIB - 4096)  # a mark is before it
    assert data[8 * MIB : len(content)] == content[8 * MIB :]


def test_an_image_that_is_not_what_its_map_says_does_not_boot(
    content: bytes, make_card: MakeCard, image: Path, tmp_path: Path
) -> None:
    image.with_suffix(".bmap").write_text(bmap(content, MAPPED))
    image.write_bytes(content[:-600] + b"!" + content[-599:])
    with pytest.raises(DataError, match="from byte 8388608 on; download it and its image again"):
        write_card(open_image(image), make_card())
    assert stored(tmp_path)[:MIB] == BLANK


def test_a_damaged_image_does_not_boot(content: bytes, make_card: MakeCard, tmp_path: Path) -> None:
    packed = pack("xz", content)
    (tmp_path / "a.img.xz").write_bytes(packed[:9000] + bytes(50) + packed[9050:])
    image = open_image(tmp_path / "a.img.xz")
    with pytest.raises(DataError, match=r"a\.img\.xz: is damaged"):
        write_card(image, make_card())
    assert stored(tmp_path)[:MIB] == BLANK


@pytest.mark.parametrize("longer", [-MIB, MIB])
def test_an_image_of_another_size_than_told_does_not_boot(
    longer: int, image: Path, make_card: MakeCard, tmp_path: Path
) -> None:
    told = open_image(image)
    os.truncate(image, told.size + longer)
    with pytest.raises(DataError, match=r"ends before|unpacks to more"):
        write_card(told, make_card())
    assert stored(tmp_path)[:MIB] == BLANK


@pytest.mark.parametrize(("offset", "place"), [(2 * MIB, r"2\.1 MB"), (13 * MIB + 1535, r"13\.6 MB")])
def test_a_flipped_bit_is_found_and_the_card_does_not_boot(
    offset: int, place: str, image: Path, make_card: MakeCard, tmp_path: Path
) -> None:
    def flip(stage: str, done: int, total: int) -> None:
        if stage == "writing" and done == total:
            flip_bit(tmp_path / "card.bin", offset)

    with pytest.raises(CardError, match=rf"other data than was written, at {place}"):
        write_card(open_image(image), make_card(), report=flip)
    assert stored(tmp_path)[:MIB] == BLANK


def test_without_verifying_a_flipped_bit_stays(image: Path, make_card: MakeCard, tmp_path: Path) -> None:
    def flip(stage: str, done: int, total: int) -> None:
        if stage == "writing" and done == total:
            flip_bit(tmp_path / "card.bin", 2 * MIB)

    assert not write_card(open_image(image), make_card(), verify=False, report=flip).verified


def flip_bit(path: Path, offset: int) -> None:
    with path.open("rb+") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


STOPPED = """
import sys, time
from pathlib import Path
from edgeseg.errors import EdgesegError
from edgeseg.flash.disks import find, list_disks
from edgeseg.flash.image import open_image
from edgeseg.flash.write import write_card, write_file

def stop(stage, done, total):
    if stage == sys.argv[3] and done >= total / 2:
        print("half", flush=True)
        time.sleep(60)

image, to = open_image(Path(sys.argv[1])), Path(sys.argv[2])
try:
    if to.is_block_device():
        write_card(image, find(list_disks(), to), report=stop)
    else:
        write_file(image, to, report=stop)
except EdgesegError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


def stopped(image: Path, to: str, stage: str, how: signal.Signals) -> tuple[int, str]:
    """Exit code and last words of a process that gets a signal half-way."""
    command = [sys.executable, "-c", STOPPED, str(image), to, stage]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(how)
        return process.wait(20), process.stdout.read()


@pytest.mark.parametrize("stage", ["probing", "writing", "checking"])
def test_a_killed_write_leaves_a_card_that_does_not_look_bootable(
    stage: str, image: Path, content: bytes, make_card: MakeCard, tmp_path: Path
) -> None:
    card = make_card()
    assert stopped(image, card.path, stage, signal.SIGKILL)[0] == -signal.SIGKILL
    data = stored(tmp_path)
    assert data[:MIB] == BLANK
    if stage != "probing":
        assert data[4 * MIB : 5 * MIB] == content[4 * MIB : 5 * MIB]  # it was under way


def test_ctrl_c_says_that_the_card_does_not_boot(image: Path, make_card: MakeCard, tmp_path: Path) -> None:
    card = make_card()
    code, said = stopped(image, card.path, "writing", signal.SIGINT)
    assert (code, said) == (
        130,
        f"{card.path}: interrupted; it does not boot, run the same command again to write it\n",
    )
    assert stored(tmp_path)[:MIB] == BLANK


def test_a_file_is_sparse_and_whole(image: Path, content: bytes, tmp_path: Path) -> None:
    target = tmp_path / "card.img"
    assert write_file(open_image(image), target) == Written(len(content), len(content), True)
    assert target.read_bytes() == content
    assert target.stat().st_blocks * 512 <= len(content) - 2 * MIB


def test_a_failed_file_leaves_what_was_there(image: Path, tmp_path: Path) -> None:
    told = open_image(image)
    os.truncate(image, told.size - MIB)
    (tmp_path / "card.img").write_bytes(b"old")
    with pytest.raises(DataError, match="ends before"):
        write_file(told, tmp_path / "card.img")
    assert (tmp_path / "card.img").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board.img", "card.img"]


def test_a_killed_file_write_leaves_nothing_under_the_name(image: Path, tmp_path: Path) -> None:
    assert stopped(image, str(tmp_path / "card.img"), "writing", signal.SIGKILL)[0] == -signal.SIGKILL
    assert not (tmp_path / "card.img").exists()


def test_progress_goes_from_stage_to_stage_up_to_its_total(image: Path, content: bytes, make_card: MakeCard) -> None:
    told: list[tuple[str, int, int]] = []
    write_card(open_image(image), make_card(), report=lambda *at: told.append(at))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["probing", "writing", "checking"]
    assert ("writing", len(content), len(content)) in told
    assert told[-1] == ("checking", len(content) - MIB, len(content) - MIB)
