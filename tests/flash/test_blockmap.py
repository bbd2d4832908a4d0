import hashlib
from pathlib import Path

import pytest

from edgeseg.errors import DataError
from edgeseg.flash.blockmap import Range, find_map, read_map, whole
from tests.flash.bmap import bmap

SIZE = 10 * 4096 + 512
RANGES = [(0, 1), (4, 4), (9, 10)]


def test_ranges_and_their_checksums_are_read(tmp_path: Path) -> None:
    content = bytes(range(256)) * (SIZE // 256)
    (tmp_path / "a.bmap").write_text(bmap(content, RANGES))
    found = read_map(tmp_path / "a.bmap", SIZE)
    assert found.ranges[1:] == (
        Range(4 * 4096, 5 * 4096, hashlib.sha256(content[4 * 4096 : 5 * 4096]).hexdigest()),
        Range(9 * 4096, SIZE, hashlib.sha256(content[9 * 4096 :]).hexdigest()),
    )
    assert found.mapped == 4 * 4096 + 512


def test_runs_are_what_of_a_stretch_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "a.bmap").write_text(bmap(bytes(SIZE), RANGES))
    found = read_map(tmp_path / "a.bmap", SIZE)
    assert found.runs(4096, 9 * 4096 + 1) == [(4096, 8192), (4 * 4096, 5 * 4096), (9 * 4096, 9 * 4096 + 1)]
    assert found.runs(2 * 4096, 4 * 4096) == []
    assert whole(SIZE).runs(4096, SIZE) == [(4096, SIZE)]


def test_version_1_3_with_sha1_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.bmap").write_text(bmap(bytes(SIZE), RANGES, "1.3"))
    assert read_map(tmp_path / "a.bmap", SIZE).ranges[1].digest == hashlib.sha1(bytes(4096)).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<Range", "<!-- --><Range", "its own checksum differs"),
        (' version="2.0"', ' version="3.0"', "no block map of version"),
        ("<bmap", "<map", "damaged"),
        ("<ImageSize>", "<ImageSize", "damaged"),
        ("<BlockSize> 4096 </BlockSize>", "", "its own checksum differs"),
    ],
)
def test_a_damaged_map_is_refused(old: str, new: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.bmap").write_text(bmap(bytes(SIZE), RANGES).replace(old, new))
    with pytest.raises(DataError, match=reason):
        read_map(tmp_path / "a.bmap", SIZE)


@pytest.mark.parametrize("ranges", [[(4, 5), (3, 3)], [(5, 4)], [(11, 12)], []])
def test_ranges_that_make_no_sense_are_refused(ranges: list[tuple[int, int]], tmp_path: Path) -> None:
    (tmp_path / "a.bmap").write_text(bmap(bytes(SIZE), ranges))
    with pytest.raises(DataError, match=r"is damaged|maps nothing"):
        read_map(tmp_path / "a.bmap", SIZE)


def test_the_map_of_another_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bmap").write_text(bmap(bytes(SIZE), RANGES))
    with pytest.raises(DataError, match="belongs to an image of 41472 bytes"):
        read_map(tmp_path / "a.bmap", SIZE + 512)


@pytest.mark.parametrize("name", ["os.v2.img.xz.bmap", "os.v2.img.bmap", "os.v2.bmap"])
def test_a_map_beside_the_image_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert find_map(tmp_path / "os.v2.img.xz") == tmp_path / name
    assert find_map(tmp_path / "other.img.xz") is None
