import json
import os
import random
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.archive import Bundle
from edgeseg.errors import ModelError, OutputError

ROOT = Path(__file__).parents[2]
Write = Callable[[dict[str, bytes]], Path]
Files = dict[str, bytes]


def member(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.create_system, found.external_attr = 3, (kind | 0o644) << 16
    return found


def test_a_whole_bundle_opens_and_verifies(write: Write, files: Files) -> None:
    bundle = Bundle.open(write(files))
    bundle.verify()
    assert bundle.manifest.live == ("--source", "belt:")
    assert bundle.read("golden/0/mask.png") == b"mask"
    assert len(bundle.release) == 16


def test_the_same_files_give_the_same_bytes(write: Write, files: Files) -> None:
    first = write(files).read_bytes()
    assert write(dict(reversed(files.items()))).read_bytes() == first


def test_a_changed_member_changes_the_release(write: Write, files: Files) -> None:
    found = json.loads(files["manifest.json"])
    before = Bundle.open(write(files)).release
    found["name"] = "other"
    assert Bundle.open(write(files | {"manifest.json": json.dumps(found).encode()})).release != before


@pytest.mark.parametrize("name", ["model.tflite", "golden/0/frame.png", "golden/0/mask.png", "golden/0/stages.npz"])
def test_a_damaged_or_missing_member_is_named(write: Write, files: Files, name: str) -> None:
    damaged = Bundle.open(write(files | {name: files[name][:-1] + b"!"}))
    with pytest.raises(ModelError, match=f"{name} is damaged"):
        damaged.verify()
    with pytest.raises(ModelError, match=f"{name} has another size"):
        Bundle.open(write(files | {name: files[name] + b"!"}))
    with pytest.raises(ModelError, match=f"lacks {name}"):
        Bundle.open(write({other: data for other, data in files.items() if other != name}))


@pytest.mark.parametrize("name", ["extra.txt", "../up.txt", "/etc/cron.d/up", "golden/0/../../up", "folder/"])
def test_a_member_too_many_is_refused_wherever_it_would_land(write: Write, files: Files, name: str) -> None:
    with pytest.raises(ModelError, match=r"does not list|no plain stored file"):
        Bundle.open(write(files | {name: b""}))


def test_a_name_given_twice_a_link_and_a_packed_member_are_refused(write: Write, files: Files, tmp_path: Path) -> None:
    path = write(files)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(member("model.tflite"), b"another")
    with pytest.raises(ModelError, match="twice"):
        Bundle.open(path)
    for kind, packing in ((stat.S_IFLNK, zipfile.ZIP_STORED), (stat.S_IFREG, zipfile.ZIP_DEFLATED)):
        path = write({name: data for name, data in files.items() if name != "model.tflite"})
        with zipfile.ZipFile(path, "a", packing) as archive:
            archive.writestr(member("model.tflite", kind), files["model.tflite"], packing)
        with pytest.raises(ModelError, match="no plain stored file"):
            Bundle.open(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(write: Write, files: Files) -> None:
    path = write({name: data for name, data in files.items() if name != "model.tflite"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.tflite", bytes(200 << 20))
    with pytest.raises(ModelError, match="no plain stored file"):
        Bundle.open(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x1c\0\0\0TFL3" + bytes(50)])
def test_another_file_is_no_bundle(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.edgeseg"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="no bundle"):
        Bundle.open(path)
    with pytest.raises(ModelError, match="No such file"):
        Bundle.open(tmp_path / "none.edgeseg")
    with pytest.raises(ModelError, match="no bundle"):
        Bundle.open(tmp_path)


def test_no_flipped_byte_and_no_cut_gives_other_files_or_another_error(write: Write, files: Files) -> None:
    path = write(files)
    data, rng = path.read_bytes(), random.Random(0)
    refused = 0  # anything but a ModelError ends the test
    for _ in range(600):
        place, kept = rng.randrange(len(data)), rng.randrange(len(data))
        for broken in (data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :], data[:kept]):
            path.write_bytes(broken)
            try:
                found = Bundle.open(path)
                found.verify()
            except ModelError:
                refused += 1
            else:
                assert {name: found.read(name) for name in found.manifest.members} | {
                    "manifest.json": found.manifest_bytes
                } == files
    assert refused > 900


def test_extracted_it_is_the_same_bundle(write: Write, files: Files, tmp_path: Path) -> None:
    bundle = Bundle.open(write(files))
    bundle.extract(tmp_path / "releases" / "one")
    found = Bundle.open(tmp_path / "releases" / "one")
    found.verify()
    assert found.release == bundle.release
    assert stat.S_IMODE((tmp_path / "releases" / "one").stat().st_mode) == 0o755
    with pytest.raises(OutputError, match="is there already"):
        bundle.extract(tmp_path / "releases" / "one")
    (tmp_path / "releases" / "one" / "model.tflite").write_bytes(bytes(1500))
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        found.verify()


def test_a_damaged_bundle_and_a_full_disk_leave_no_folder(
    write: Write, files: Files, tmp_path: Path, full_disk: Callable
) -> None:
    damaged = Bundle.open(write(files | {"golden/0/stages.npz": b"stagez"}))
    with pytest.raises(ModelError, match="damaged"):
        damaged.extract(tmp_path / "out" / "one")
    whole = Bundle.open(write(files))
    with full_disk(1000), pytest.raises(OutputError, match="cannot be written"):
        whole.extract(tmp_path / "out" / "one")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_model_is_written_to_the_cache_once_by_many_at_a_time(write: Write, files: Files, tmp_path: Path) -> None:
    path = write(files)
    code = (
        "import sys; from pathlib import Path; from edgeseg.bundle.archive import Bundle\n"
        "print(Bundle.open(Path(sys.argv[1])).model_path())"
    )
    command = [sys.executable, "-c", code, str(path)]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    places = {process.communicate(timeout=60)[0].strip() for process in started}
    release = tmp_path / "cache" / "edgeseg" / "bundles" / Bundle.open(path).release
    assert places == {str(release / "model.tflite")}
    assert list(release.parent.iterdir()) == [release]
    assert (release / "model.tflite").read_bytes() == files["model.tflite"]


@pytest.mark.parametrize("name", ["model.tflite", "manifest.json", "golden/0/mask.png"])
@pytest.mark.parametrize("data", [None, b"", bytes(1500)], ids=["missing", "empty", "zeros"])
def test_a_damaged_folder_of_the_cache_is_written_anew(
    write: Write, files: Files, tmp_path: Path, name: str, data: bytes | None
) -> None:
    bundle, cache = Bundle.open(write(files)), tmp_path / "cache"
    broken = bundle.model_path(cache=cache).parent / name
    broken.unlink()
    if data is not None:
        broken.write_bytes(data)
    assert bundle.model_path(cache=cache).read_bytes() == files["model.tflite"]
    assert broken.read_bytes() == files[name]


def test_of_a_bundle_that_was_written_out_a_changed_model_is_refused_and_kept(
    write: Write, files: Files, tmp_path: Path
) -> None:
    Bundle.open(write(files)).extract(tmp_path / "release")
    model = tmp_path / "release" / "model.tflite"
    model.write_bytes(bytes(1500))
    with pytest.raises(ModelError, match="was changed"):
        Bundle.open(model.parent).model_path()
    assert model.read_bytes() == bytes(1500)


def test_a_missing_compiled_model_is_refused(write: Write, files: Files, tmp_path: Path) -> None:
    bundle = Bundle.open(write(files))
    with pytest.raises(ModelError, match="no model for the Edge TPU"):
        bundle.model_path(compiled=True, cache=tmp_path / "cache")
