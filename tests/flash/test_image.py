import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from edgeseg.errors import DataError, MissingExtraError
from edgeseg.flash.image import open_image
from edgeseg.flash.sizes import zstd_size


def pack(kind: str, data: bytes) -> bytes:
    """Two streams, members or frames each, as parallel packers make them."""
    half = len(data) // 2 + 1
    if kind == "xz":
        return lzma.compress(data[:half], preset=0) + bytes(8) + lzma.compress(data[half:], preset=0) + bytes(4)
    if kind == "zst":
        zstandard = pytest.importorskip("zstandard", reason="install zstandard")
        skippable = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
        checked = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data[half:])
        return bytes(zstandard.ZstdCompressor(level=1).compress(data[:half]) + skippable + checked)
    return gzip.compress(data[:half], 1) + gzip.compress(data[half:], 1) if kind == "gz" else data


@pytest.fixture(params=["img", "xz", "zst", "gz"])
def packed(request: pytest.FixtureRequest, content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "of-any-name"
    path.write_bytes(pack(request.param, content))
    return path


def test_every_kind_unpacks_to_the_size_told_before(packed: Path, content: bytes) -> None:
    image = open_image(packed)
    assert image.size == len(content)
    with image.open() as stream:
        assert b"".join(iter(lambda: stream.read(1 << 20), b"")) == content


@pytest.mark.parametrize("kind", ["xz", "zst"])
def test_what_is_cut_off_is_refused_before_anything_is_unpacked(kind: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(pack(kind, content)[:-100])
    with pytest.raises(DataError, match=r"damaged or cut off.*download it again"):
        open_image(tmp_path / "cut")


def test_a_cut_off_gz_is_refused_by_counting(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(pack("gz", content)[:-100])
    with pytest.raises(DataError, match="damaged or cut off"):
        open_image(tmp_path / "cut")


@pytest.mark.parametrize("place", [-8, 0])
def test_a_gz_whose_checksum_or_second_member_is_damaged_is_refused(place: int, content: bytes, tmp_path: Path) -> None:
    data = bytearray(pack("gz", content[: 1 << 20]) + gzip.compress(b"more"))
    data[place - len(gzip.compress(b"more"))] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(DataError, match=r"damaged or cut off.*download it again"):
        open_image(tmp_path / "damaged")


@pytest.mark.parametrize("length", [100, 300, 70_000, 600_000])
def test_zstandard_headers_of_every_width_are_read(length: int, tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="install zstandard")
    (tmp_path / "a.zst").write_bytes(zstandard.ZstdCompressor().compress(bytes(length)))
    assert zstd_size(tmp_path / "a.zst") == length


def test_a_zst_that_does_not_tell_its_size_is_counted(content: bytes, tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="install zstandard")
    piped = io.BytesIO()
    zstandard.ZstdCompressor(level=1).copy_stream(io.BytesIO(content), piped)
    (tmp_path / "piped.zst").write_bytes(piped.getvalue())
    assert zstd_size(tmp_path / "piped.zst") is None
    told: list[tuple[str, int, int]] = []
    assert open_image(tmp_path / "piped.zst", lambda *at: told.append(at)).size == len(content)
    assert told[-1] == ("measuring", len(content), 0)


@pytest.mark.parametrize(
    ("start", "reason"),
    [(b"PK\x03\x04", "zip archive; unpack it"), (b"<html>", "no disk image"), (b"", "no disk image")],
)
def test_what_is_no_disk_image_is_refused(start: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(start + bytes(1000 if start else 0))
    with pytest.raises(DataError, match=reason):
        open_image(tmp_path / "a.img")


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.img: cannot be read"):
        open_image(tmp_path / "none.img")


def test_without_zstandard_the_extra_is_named(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zst").write_bytes(pack("zst", content))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"edgeseg\[flash\]"):
        open_image(tmp_path / "a.zst")
