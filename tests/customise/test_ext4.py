import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from edgeseg.customise.ext4 import Ext4
from edgeseg.errors import DataError
from tests.customise.cards import MIB, need, tool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all sorts: sparse, in pieces, in a folder of thousands, behind short and long links."""
    root = tmp_path_factory.mktemp("root")
    (root / "many").mkdir()
    for number in range(1500):
        (root / "many" / f"a file with a rather long name {number:06}").write_text(str(number))
    (root / "big.bin").write_bytes(random.Random(1).randbytes(MIB + 17))
    with (root / "holes.bin").open("wb") as file:
        for at in range(0, 40 * 65536, 65536):
            file.seek(at)
            file.write(f"piece at {at}".encode())
    (root / "sub/deeper").mkdir(parents=True)
    (root / "sub/deeper/text").write_text("found\n")
    (root / "empty").touch()
    (root / "short").symlink_to("sub/deeper/text")
    (root / "long").symlink_to("./" * 200 + "sub/deeper/text")
    (root / "absolute").symlink_to("/sub/deeper")
    (root / "sub/deeper/up").symlink_to("../../big.bin")
    (root / "loop").symlink_to("loop")
    (root / "above").symlink_to("../../../../empty")
    return root


FEATURES = {
    "1k": ("-b", "1024"),
    "4k": ("-b", "4096"),
    "32bit": ("-b", "4096", "-O", "^64bit,^metadata_csum"),
    "small groups": ("-b", "1024", "-O", "64bit,metadata_csum,dir_index", "-g", "1024"),
    "no flex": ("-b", "4096", "-O", "^flex_bg,^dir_index"),
}


@pytest.fixture(scope="module", params=FEATURES)
def disk(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as a file system that starts a MiB into a file."""
    need("mke2fs", "debugfs")
    path = tmp_path_factory.mktemp("disk") / "disk.img"
    options = FEATURES[request.param]
    tool("mke2fs", "-q", "-t", "ext4", *options, "-d", folder, "-E", f"offset={MIB}", path, "16M")
    return path


def test_every_file_reads_as_it_was_written(disk: Path, folder: Path) -> None:
    with disk.open("rb") as file:
        system = Ext4(file, MIB)
        for path in [*sorted(folder.rglob("*"))[::97], *folder.glob("*.bin"), folder / "empty"]:
            if path.is_file() and not path.is_symlink():
                assert system.read(str(path.relative_to(folder))) == path.read_bytes()


def test_debugfs_reads_the_same(disk: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    tool("dd", f"if={disk}", f"of={part}", "bs=1M", "skip=1", "status=none")
    with disk.open("rb") as file:
        for name in ("sub/deeper/text", "holes.bin", "many/a file with a rather long name 001234"):
            tool("debugfs", "-R", f'dump "{name}" {tmp_path / "dumped"}', part)
            assert Ext4(file, MIB).read(name) == (tmp_path / "dumped").read_bytes()


def test_links_are_followed(disk: Path) -> None:
    with disk.open("rb") as file:
        system = Ext4(file, MIB)
        for link in ("short", "long", "absolute/text", "sub/../short", "./sub//deeper/text"):
            assert system.read(link) == b"found\n"
            assert system.resolve(link) == "sub/deeper/text"
        assert system.resolve("sub/deeper/up") == "big.bin"
        assert system.resolve("above") == "empty"


@pytest.mark.parametrize("name", ["nothing", "loop", "short/further", "empty/x", "many/a file"])
def test_what_is_not_there_is_told(name: str, disk: Path) -> None:
    with disk.open("rb") as file:
        system = Ext4(file, MIB)
        assert not system.exists(name)
        with pytest.raises(FileNotFoundError):
            system.read(name)


def test_a_folder_with_an_index_is_read(folder: Path, tmp_path: Path) -> None:
    need("mke2fs", "e2fsck")
    part = tmp_path / "part"
    tool("mke2fs", "-q", "-t", "ext4", "-b", "1024", "-d", folder, part, "16M")
    with part.open("rb") as file:
        before = Ext4(file, 0).read("many/a file with a rather long name 001499")
    with suppress(subprocess.CalledProcessError):  # 1: something was changed
        tool("e2fsck", "-fyD", part)
    assert "Root node dump" in tool("debugfs", "-R", "htree_dump many", part)
    with part.open("rb") as file:
        assert Ext4(file, 0).read("many/a file with a rather long name 001499") == before == b"1499"


def test_other_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(4096))
    with path.open("rb") as file, pytest.raises(DataError, match="no ext4"):
        Ext4(file, 0)


def test_damage_never_hangs_or_escapes(disk: Path, tmp_path: Path) -> None:
    """Bytes of the file system's tables are changed at random; what comes is right, missing or DataError."""
    rng = random.Random(3)
    copy = Path(shutil.copy(disk, tmp_path / "copy"))
    with copy.open("r+b") as file:
        for _ in range(200):
            places = [MIB + rng.randrange(1024, 100_000) for _ in range(30)]
            before = []
            for place in places:
                file.seek(place)
                before.append(file.read(1))
                file.seek(place)
                file.write(rng.randbytes(1))
            with suppress(DataError, FileNotFoundError):
                assert Ext4(file, MIB).read("sub/deeper/text", 100) is not None
            for place, byte in reversed([*zip(places, before, strict=True)]):
                file.seek(place)
                file.write(byte)
        assert Ext4(file, MIB).read("sub/deeper/text") == b"found\n"
