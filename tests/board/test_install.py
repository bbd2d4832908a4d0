"""A bundle becomes a release, or leaves nothing behind."""

import json
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.board.releases import release_id
from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.sign import make_keys
from tests.board.machine import OTHER_PACKAGES, PACKAGES, Board

Make = Callable[..., Path]


def test_a_release_is_the_bundle_and_a_link_to_its_packages(board: Board, bundle: Make) -> None:
    release = board.install(bundle())
    folder = board.layout.releases / release
    assert release == release_id(Bundle.open(bundle()).release, PACKAGES)
    assert (folder / "bundle.edgeseg").read_bytes() == bundle().read_bytes()
    assert str((folder / "packages").readlink()) == f"../../packages/{PACKAGES}"
    record = json.loads((folder / "release.json").read_text())
    assert (record["release"], record["packages"], record["name"]) == (release, PACKAGES, "good")
    for path in (folder, folder / "bundle.edgeseg", folder / "release.json"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o005, f"the service may not read {path.name}"


def test_the_same_again_changes_nothing_and_other_packages_are_another_release(board: Board, bundle: Make) -> None:
    first = board.told("install", bundle(), "--packages", PACKAGES)
    written = (board.layout.releases / first["release"] / "release.json").stat().st_mtime_ns
    again = board.told("install", bundle(), "--packages", PACKAGES)
    assert (first["new"], again["new"], again["release"]) == (True, False, first["release"])
    assert (board.layout.releases / first["release"] / "release.json").stat().st_mtime_ns == written
    assert board.install(bundle(), OTHER_PACKAGES) != first["release"]
    assert list(board.layout.uploads.glob("*")) == []


def test_a_release_that_was_damaged_is_installed_anew(board: Board, bundle: Make) -> None:
    folder = board.layout.releases / board.install(bundle())
    (folder / "bundle.edgeseg").write_bytes(b"")
    assert board.told("install", bundle(), "--packages", PACKAGES)["new"]
    assert (folder / "bundle.edgeseg").read_bytes() == bundle().read_bytes()


def test_a_damaged_release_keeps_its_options(board: Board, bundle: Make) -> None:
    release = board.install(bundle())
    board.layout.own(release).write_text("EDGESEG_LIVE=--smooth\n")
    (board.layout.releases / release / "bundle.edgeseg").write_bytes(b"")
    board.install(bundle())
    assert board.layout.own(release).read_text() == "EDGESEG_LIVE=--smooth\n"


def test_a_strict_umask_hides_nothing_from_the_service(board: Board, bundle: Make) -> None:
    done = board.run("install", bundle(), "--packages", PACKAGES, umask=0o077)
    assert done.returncode == 0
    for folder in (board.layout.releases, board.layout.releases / json.loads(done.stdout)["release"]):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_packages_that_are_not_there_are_named(board: Board, bundle: Make, no_traces: Callable[[], None]) -> None:
    assert "bring them first" in board.refused("install", bundle(), "--packages", "ffff2233aabbccdd", code=2)
    assert "'../../etc'" in board.refused("install", bundle(), "--packages", "../../etc", code=2)
    no_traces()


def test_a_tampered_bundle_is_refused(
    board: Board, bundle: Make, tmp_path: Path, no_traces: Callable[[], None]
) -> None:
    data = bytearray(bundle().read_bytes())
    data[data.index(b"TFL3") + 100] ^= 0xFF
    bad = tmp_path / "bad.edgeseg"
    bad.write_bytes(data)
    assert "damaged" in board.refused("install", bad, "--packages", PACKAGES)
    no_traces()


def test_a_board_with_a_key_takes_only_what_is_signed_with_it(
    board: Board, bundle: Make, tmp_path: Path, no_traces: Callable[[], None]
) -> None:
    ours, public, _ = make_keys(tmp_path / "ours")
    theirs, _, _ = make_keys(tmp_path / "theirs")
    board.layout.keys.mkdir(parents=True)
    (board.layout.keys / "ours.pub.pem").write_bytes(public.read_bytes())
    assert "is not signed" in board.refused("install", bundle(), "--packages", PACKAGES)
    assert "signature does not hold" in board.refused("install", bundle("x", key=theirs), "--packages", PACKAGES)
    no_traces()
    assert board.install(bundle("x", key=ours))


def test_packages_that_cannot_run_the_bundle_are_found_out(
    board: Board, bundle: Make, no_traces: Callable[[], None]
) -> None:
    broken = board.layout.packages / OTHER_PACKAGES / "cv2.py"
    broken.write_text("raise ImportError('made for another processor')\n")
    told = board.refused("install", bundle(), "--packages", OTHER_PACKAGES, code=3)
    assert "self-test failed on this board" in told
    assert "another processor" in told
    no_traces()


def test_a_full_disk_leaves_nothing_under_a_final_name(
    board: Board, bundle: Make, no_traces: Callable[[], None]
) -> None:
    path = bundle()
    small = path.stat().st_size - 1

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (small, small))

    done = board.run("install", path, "--packages", PACKAGES, preexec_fn=limit)
    assert done.returncode == 1
    assert "free some space" in done.stderr
    no_traces()


def test_what_a_killed_installation_left_goes_with_the_next(board: Board, bundle: Make) -> None:
    left = board.layout.uploads / "release-killed"
    left.mkdir(parents=True)
    (left / "bundle.edgeseg").write_bytes(b"half")
    board.install(bundle())
    assert not left.exists()


def test_two_at_a_time_do_not_get_in_each_others_way(board: Board, bundle: Make) -> None:
    made = bundle()
    both = [board.begin("install", made, "--packages", PACKAGES) for _ in range(2)]
    codes = sorted(each.wait(60) for each in both)
    for each in both:
        each.communicate()
    assert codes in ([0, 1], [0, 0])
    assert len(list(board.layout.releases.glob("*"))) == 1
    assert list(board.layout.uploads.glob("*")) == []


@pytest.mark.parametrize("name", ["0" * 16, "../evil", ""])
def test_a_release_that_is_not_there_is_not_switched_to(board: Board, name: str) -> None:
    assert "no release is called" in board.refused("switch", name, code=2)
