import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeseg.customise.card_image import apply, unpacked
from edgeseg.customise.settings import Settings
from edgeseg.errors import INTERRUPTED, DataError, EdgesegError, OutputError, UsageError
from edgeseg.flash.blockmap import Range
from edgeseg.flash.image import open_image
from edgeseg.flash.write import write_card, write_file
from tests.customise.cards import (
    BOOKWORM,
    BOOT_AT,
    MIB,
    STOCK,
    Shape,
    check_fat,
    make_image,
    names_on_card,
    need,
    on_card,
    tool,
)
from tests.flash.conftest import MakeCard, make_card  # noqa: F401  # a fixture

EDGESEG = {
    "edgeseg/bundle.edgeseg",
    "edgeseg/packages.tar.gz",
    "edgeseg/first_boot.py",
    "edgeseg/card.json",
    "edgeseg/env",
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where images are unpacked."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def customise(image: Path, settings: Settings, to: Path) -> None:
    with unpacked(open_image(image), settings) as found:
        made, block_map = apply(found)
        write_file(made, to, block_map=block_map)


def same_but(old: Path, new: Path, start: int, stop: int) -> bool:
    """Nothing differs outside of bytes [start, stop)."""
    a, b = np.fromfile(old, np.uint8), np.fromfile(new, np.uint8)
    return a.size == b.size and not (a != b)[:start].any() and not (a != b)[stop:].any()


def test_trixie_arrives_whole(trixie: Path, settings: Settings, tmp_path: Path, temporary: Path) -> None:
    card = tmp_path / "card.img"
    customise(trixie, settings, card)
    check_fat(card, tmp_path)
    assert names_on_card(card) == EDGESEG | set(STOCK)
    assert on_card(card, "edgeseg/bundle.edgeseg") == settings.bundle.read_bytes()
    assert settings.packages
    assert on_card(card, "edgeseg/packages.tar.gz") == settings.packages.read_bytes()
    assert b"edgeseg-first-boot.service" in on_card(card, "user-data")
    assert b"ds=nocloud;i=edgeseg-" in on_card(card, "cmdline.txt")
    assert same_but(trixie, card, BOOT_AT * MIB, (BOOT_AT + 40) * MIB)
    assert not list(temporary.iterdir())


def test_bookworm_arrives_whole(bookworm_image: Path, settings: Settings, tmp_path: Path) -> None:
    card, packages = tmp_path / "card.img", tmp_path / "none.tar.gz"
    from edgeseg.packages.archive import Item, write

    write(packages, [Item("edgeseg/__init__.py", 0o644, b"")])
    customise(bookworm_image, replace(settings, packages=packages), card)
    check_fat(card, tmp_path)
    assert names_on_card(card) == EDGESEG | {"cmdline.txt", "config.txt", "firstrun.sh"}
    assert b"systemd.run=/boot/firmware/firstrun.sh" in on_card(card, "cmdline.txt")


def test_a_packed_image_gives_the_same(trixie: Path, settings: Settings, tmp_path: Path) -> None:
    need("xz")
    tool("xz", "-0", "--keep", trixie)
    customise(trixie.with_suffix(".img.xz"), settings, tmp_path / "card.img")
    check_fat(tmp_path / "card.img", tmp_path)
    assert names_on_card(tmp_path / "card.img") == EDGESEG | set(STOCK)


def test_with_bmaptools_map_a_used_card_boots_as_well(
    trixie: Path,
    settings: Settings,
    tmp_path: Path,
    make_card: MakeCard,  # noqa: F811
) -> None:
    """Only what is mapped or was changed is written, and the FAT's zeros, which a sparse image's map leaves out."""
    need("bmaptool")
    sparse = tmp_path / "sparse.img"
    tool("cp", "--sparse=always", trixie, sparse)
    tool("bmaptool", "create", "-o", sparse.with_suffix(".bmap"), sparse)
    card = make_card(48)
    with unpacked(open_image(sparse), settings) as found:
        made, block_map = apply(found)
        assert block_map.mapped < made.size / 4
        assert block_map.mapped > found.block_map.mapped
        write_card(made, card, block_map=block_map)
        written = np.fromfile(made.path, np.uint8)
    device = np.fromfile(tmp_path / "card.bin", np.uint8)
    for part in block_map.ranges:
        assert (device[part.start : part.stop] == written[part.start : part.stop]).all()
    check_fat(tmp_path / "card.bin", tmp_path)
    assert names_on_card(tmp_path / "card.bin") == EDGESEG | set(STOCK)
    assert on_card(tmp_path / "card.bin", "edgeseg/bundle.edgeseg") == settings.bundle.read_bytes()
    shutil.copy(sparse.with_suffix(".bmap"), tmp_path / "card.bmap")
    shutil.copy(tmp_path / "card.bin", tmp_path / "card.img")
    os.truncate(tmp_path / "card.img", written.size)
    with pytest.raises(DataError, match=r"card\.bmap"):  # what the stock map says of the image no longer holds
        write_file(open_image(tmp_path / "card.img"), tmp_path / "again.img")


def test_without_a_map_everything_is_written(trixie: Path, settings: Settings) -> None:
    with unpacked(open_image(trixie), settings) as found:
        made, block_map = apply(found)
        assert block_map.ranges == (Range(0, made.size),)


def test_the_unpacked_image_is_nobody_elses(trixie: Path, settings: Settings) -> None:
    with unpacked(open_image(trixie), settings) as found:
        assert found.path.stat().st_mode & 0o777 == 0o600
        assert found.path.parent.stat().st_mode & 0o777 == 0o700


def test_looking_changes_nothing(trixie: Path, settings: Settings) -> None:
    with unpacked(open_image(trixie), settings) as found:
        assert found.path.read_bytes() == trixie.read_bytes()
        assert found.changes.before == STOCK


def test_what_does_not_fit_is_told_before_anything_is_written(
    trixie: Path, settings: Settings, temporary: Path
) -> None:
    packages = settings.bundle.with_name("large.tar.gz")
    from edgeseg.packages.archive import Item, write

    write(
        packages, [Item("edgeseg/__init__.py", 0o644, b""), Item("x", 0o644, np.random.default_rng(0).bytes(45 * MIB))]
    )
    with (
        pytest.raises(OutputError, match=r"packages.tar.gz 47\.\d MB"),
        unpacked(open_image(trixie), replace(settings, packages=packages)),
    ):
        pass
    assert not list(temporary.iterdir())


def test_without_room_to_unpack_nothing_is_begun(trixie: Path, settings: Settings, temporary: Path) -> None:
    os.truncate(trixie, shutil.disk_usage(temporary).free + (1 << 30))  # a hole, which takes no room
    with pytest.raises(UsageError, match="set TMPDIR"), unpacked(open_image(trixie), settings):
        pass
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("which", ["cloud_init", "packages"])
@pytest.mark.parametrize("data", [b"a: [", None])
def test_the_users_own_files_are_read_before_anything_is_unpacked(
    which: str, data: bytes | None, trixie: Path, settings: Settings, tmp_path: Path
) -> None:
    if data is not None:
        (tmp_path / "own").write_bytes(data)
    stages: list[str] = []
    own = replace(settings, **{which: tmp_path / "own"})  # type: ignore[arg-type]
    with (
        pytest.raises(EdgesegError, match=r"own: (is no|cannot be read)"),
        unpacked(open_image(trixie), own, lambda stage, *_: stages.append(stage)),
    ):
        pass
    assert stages == []


@pytest.mark.parametrize("after", [1, 2, 4, 7])
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_interrupted_anywhere_nothing_is_left(
    how: str, after: int, trixie: Path, settings: Settings, tmp_path: Path, temporary: Path
) -> None:
    """Ctrl-C or an end from outside, when it opens its nth file after the folder for the unpacked image is made."""
    code = f"""
import os, signal, sys, threading
from edgeseg.cli import main
seen = []
def hook(name, given):
    here = threading.current_thread() is threading.main_thread()
    if here and (name == 'tempfile.mkdtemp' or (seen and name == 'open')):
        seen.append(name)
        if len(seen) == {after + 1}:
            os.kill(os.getpid(), signal.{how})
sys.addaudithook(hook)
main()
"""
    card = tmp_path / "card.img"
    words = [str(trixie), "--bundle", str(settings.bundle), "--packages", str(settings.packages), "--to", str(card)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    before = set(tmp_path.iterdir())
    command = [sys.executable, "-c", code, "flash", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == INTERRUPTED, done.stderr
    assert "Traceback" not in done.stderr
    assert set(tmp_path.iterdir()) == before
    assert not list(temporary.iterdir())


def test_other_images_are_refused_in_one_line(tmp_path: Path, settings: Settings) -> None:
    need("sfdisk")
    gpt = tmp_path / "gpt.img"
    gpt.write_bytes(bytes(48 * MIB))
    tool("sfdisk", "-q", gpt, data=b"label: gpt\nsize=2048\n")
    armhf = make_image(
        tmp_path / "armhf.img",
        replace(Shape(), program=b"\x7fELF\x01\x01\x01" + bytes(11) + b"\x28\x00" + bytes(44)),
        tmp_path,
    )
    for image, message in ((gpt, "has a GPT"), (armhf, "is a 32-bit system")):
        with pytest.raises(EdgesegError, match=message) as refused, unpacked(open_image(image), settings):
            pass
        assert "\n" not in str(refused.value)


def test_the_boards_own_program_takes_what_is_on_the_card(
    bookworm_image: Path, settings: Settings, tmp_path: Path
) -> None:
    """first_boot.py, run on the files as mtools give them, gets to where it starts edgeseg."""
    import json

    from edgeseg.packages.archive import Item, write

    here = ".".join(map(str, sys.version_info[:2]))
    packages = tmp_path / "own.tar.gz"
    board = b"import json, sys; print(json.dumps({'release': '0' * 16, 'state': 'running'}))"
    items = [Item("edgeseg/__init__.py", 0o644, b""), Item("edgeseg/board/__init__.py", 0o644, b"")]
    write(packages, [*items, Item("edgeseg/board/__main__.py", 0o644, board)])
    image = bookworm_image
    if here != BOOKWORM.python:
        (tmp_path / "made").mkdir()
        image = make_image(tmp_path / "made.img", replace(BOOKWORM, python=here), tmp_path / "made")
    card = tmp_path / "card.img"
    customise(image, replace(settings, packages=packages), card)
    boot = tmp_path / "firmware"
    for name in names_on_card(card):
        (boot / name).parent.mkdir(parents=True, exist_ok=True)
        (boot / name).write_bytes(on_card(card, name))
    command = [sys.executable, str(boot / "edgeseg/first_boot.py")]
    environment = os.environ | {"EDGESEG_ROOT": str(tmp_path / "root")}
    subprocess.run(command, check=True, env=environment, timeout=60)
    told = json.loads((boot / "edgeseg/first-boot.json").read_text())
    assert told["state"] == "running", told
    assert (tmp_path / "root/etc/edgeseg/env").read_text() == settings.environment()
    assert not (boot / "edgeseg/env").exists()
