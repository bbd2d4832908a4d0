import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edgeseg.board.releases import release_id
from edgeseg.bundle.sign import make_keys
from edgeseg.deploy.connection import Login
from edgeseg.deploy.fleet import Outcome
from edgeseg.deploy.rollout import Result
from edgeseg.deploy.run import Run, State
from edgeseg.packages.cache import Packages
from tests.board.machine import free_port
from tests.deploy.conftest import Sshd

RollOut = Callable[..., list[Outcome]]
MakeBundle = Callable[..., Path]
BROKEN = ("--source", "/no/such/film.mp4")


def until(true: Callable[[], bool], limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def only(outcomes: list[Outcome]) -> Outcome:
    assert len(outcomes) == 1
    return outcomes[0]


def well(outcomes: list[Outcome]) -> Result:
    outcome = only(outcomes)
    if outcome.error:
        raise outcome.error
    assert isinstance(outcome.result, Result)
    return outcome.result


def refused(outcomes: list[Outcome]) -> str:
    outcome = only(outcomes)
    assert outcome.error is not None
    assert "\n" not in str(outcome.error)
    return str(outcome.error)


def left_over(board: Sshd) -> list[str]:
    return [path.name for path in (board.home / "uploads").glob("*")]


def test_a_bare_board_runs_its_first_bundle_and_a_second_deploy_sends_nothing(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, packages: Packages
) -> None:
    made = bundle()
    first = well(roll_out(made, board.address))
    assert board.current == board.serving() == first.release
    assert first.sent_bytes == made.stat().st_size + packages.size
    assert first.switched
    assert (board.home / "current/packages/edgeseg/board").is_dir()
    assert left_over(board) == []
    second = well(roll_out(made, board.address))
    assert (second.release, second.sent_bytes, second.switched) == (first.release, 0, False)


@pytest.mark.slow
def test_a_new_bundle_takes_over_and_rollback_brings_the_old_one_back(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, packages: Packages
) -> None:
    old = well(roll_out(bundle("old"), board.address))
    made = bundle("new")
    new = well(roll_out(made, board.address))
    assert board.serving() == new.release != old.release
    assert new.sent_bytes == made.stat().st_size
    run = Run([board.address], Login(), lambda *_: None)
    state = only(run.status()).result
    assert isinstance(state, State)
    assert (state.board["current"], state.board["previous"]) == (new.release, old.release)
    assert only(run.rollback()).result["release"] == old.release
    assert board.current == board.serving() == old.release


@pytest.mark.slow
def test_a_bundle_that_does_not_run_makes_way_for_the_one_before_with_its_settings(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle
) -> None:
    good = well(roll_out(bundle(), board.address, live=("--max-fps", "5")))
    said = refused(roll_out(bundle("broken", BROKEN), board.address, live=("--max-fps", "6")))
    assert "/no/such/film.mp4" in said
    assert board.current == board.serving() == good.release
    assert board.env.read_text() == 'EDGESEG_LIVE="--max-fps 5"\n'
    assert "--max-fps 5" in " ".join(board.words())


@pytest.mark.slow
def test_other_options_for_the_same_bundle_are_tried_too_and_go_back_with_a_rollback(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle
) -> None:
    first, second = bundle("first"), bundle("second")
    old = well(roll_out(first, board.address, live=("--max-fps", "5")))
    assert "/no/such/film.mp4" in refused(roll_out(first, board.address, live=BROKEN))
    assert "--max-fps 5" in " ".join(board.words())
    assert list(board.home.rglob("env.new")) == []
    new = well(roll_out(second, board.address, live=("--max-fps", "6")))
    assert (new.switched, "--max-fps 6" in " ".join(board.words())) == (True, True)
    only(Run([board.address], Login(), lambda *_: None).rollback())
    assert board.serving() == old.release
    assert "--max-fps 5" in " ".join(board.words())


@pytest.mark.slow
def test_a_first_bundle_that_does_not_run_leaves_nothing_running(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle
) -> None:
    outcome = only(roll_out(bundle("broken", BROKEN), board.address))
    assert outcome.error
    assert outcome.error.exit_code == 3
    assert board.current is None
    assert board.serving() is None


@pytest.mark.slow
def test_a_board_with_a_key_takes_what_it_signed_and_nothing_else(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, tmp_path: Path
) -> None:
    secret, public, ours = make_keys(tmp_path / "ours")
    other, other_public, _ = make_keys(tmp_path / "theirs")
    first = well(roll_out(bundle("signed", key=secret), board.address, key=public))
    for badly in (bundle("unsigned"), bundle("theirs", key=other)):
        assert "only bundles that its keys have signed" in refused(roll_out(badly, board.address))
    assert f"trusts the key {ours}.pub.pem already" in refused(
        roll_out(bundle("more", key=other), board.address, key=other_public)
    )
    assert board.serving() == first.release
    assert left_over(board) == []


def test_an_upload_that_is_cut_off_leaves_the_old_release_and_goes_on_from_there(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, packages: Packages, tmp_path: Path
) -> None:
    first = well(roll_out(bundle(), board.address))
    large = replace(packages, id="f" * 16, archive=tmp_path / "large.tar.gz")
    noise = tmp_path / "noise"
    noise.write_bytes(os.urandom(40_000_000))
    tree = tmp_path / "tree"
    subprocess.run(["mkdir", tree], check=True)
    subprocess.run(["tar", "-xzf", packages.archive, "-C", tree], check=True)
    subprocess.run(["mv", noise, tree / "noise"], check=True)
    subprocess.run(f"cd {tree} && tar --no-recursion -czf {large.archive} $(find * -type f)", shell=True, check=True)
    data = large.archive.read_bytes()
    large = replace(large, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    made, cut = bundle("next"), []

    def watch(_: object, stage: str, done: int, total: int) -> None:
        if stage == "packages" and done > 10_000_000 and not cut:
            cut.append(done)
            board.cut()

    said = refused(roll_out(made, board.address, given=large, watch=watch))
    assert "run the same command again" in said
    assert board.current == board.serving() == first.release
    part = board.home / "uploads" / f"{large.sha256[:16]}.tar.gz.part"
    there = part.stat().st_size
    assert 0 < there < large.size
    second = well(roll_out(made, board.address, given=large))
    assert second.sent_bytes == large.size - there
    assert (
        board.serving()
        == second.release
        == release_id(
            json.loads((board.home / "releases" / second.release / "release.json").read_text())["bundle"], large.id
        )
    )
    assert left_over(board) == []


@pytest.mark.slow
def test_an_upload_that_was_damaged_on_the_board_is_sent_anew(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, packages: Packages
) -> None:
    uploads = board.home / "uploads"
    uploads.mkdir(parents=True)
    name = f"{packages.sha256[:16]}.tar.gz"
    (uploads / f"{name}.part").write_bytes(b"other bytes")
    assert "arrived damaged" in refused(roll_out(bundle(), board.address))
    assert not (uploads / name).exists()
    assert well(roll_out(bundle(), board.address)).release == board.serving()


def test_boards_that_fail_leave_the_others_alone(
    make_board: Callable[..., Sshd], roll_out: RollOut, bundle: MakeBundle
) -> None:
    one, two = make_board("one"), make_board("two")
    away = replace(one.address, port=free_port())
    outcomes = roll_out(bundle(), one.address, away, two.address)
    assert [each.address for each in outcomes] == [one.address, away, two.address]
    assert "cannot be reached" in str(outcomes[1].error)
    assert one.serving() == two.serving() == outcomes[0].result.release == outcomes[2].result.release


@pytest.mark.slow
def test_a_page_for_others_gets_a_token_that_stays(board: Sshd, roll_out: RollOut, bundle: MakeBundle) -> None:
    port = free_port()
    options = ("--out", f"http://0.0.0.0:{port}")
    result = well(roll_out(bundle(), board.address, live=options))
    assert "token was made" in " ".join(result.notes)
    text = board.env.read_text()
    assert f'EDGESEG_LIVE="--out http://0.0.0.0:{port}"' in text
    assert board.env.stat().st_mode & 0o777 == 0o600
    token = next(line for line in text.splitlines() if line.startswith("EDGESEG_TOKEN"))
    result = well(roll_out(bundle("next"), board.address, live=(*options, "--max-fps", "7")))
    assert result.notes == ()
    assert token in board.env.read_text()
    assert "--max-fps 7" in board.env.read_text()


@pytest.mark.slow
def test_a_connection_lost_in_the_switch_stops_nothing(
    board: Sshd, roll_out: RollOut, bundle: MakeBundle, packages: Packages
) -> None:
    old = well(roll_out(bundle("old"), board.address, live=("--max-fps", "5")))
    made = bundle()

    def watch(_: object, stage: str, *__: int) -> None:
        if stage == "switch":
            threading.Thread(target=cut_when_under_way).start()

    def cut_when_under_way() -> None:
        until(lambda: (board.root / "run/systemd/system/edgeseg.service.d/trial.conf").exists())
        board.cut()

    said = refused(roll_out(made, board.address, live=("--max-fps", "6"), watch=watch))
    assert "which the board ends by itself: see  edgeseg deploy --status" in said
    until(lambda: board.current != old.release)
    until(lambda: not board.systemctl("show", "edgeseg-release-switch", "--property=MainPID").strip("MainPID=0"))
    assert "--max-fps 6" in " ".join(board.words())
    again = well(roll_out(made, board.address))
    assert again.release == board.current == board.serving() != old.release
    assert not again.switched


@pytest.mark.slow
def test_a_token_is_seen_in_no_list_of_processes(board: Sshd, roll_out: RollOut, bundle: MakeBundle) -> None:
    token, seen, asked, done = "a-secret-of-ours-7261", [], set(), threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    words = path.read_bytes()
                    if b"edgeseg.board\0" in words:
                        asked.add(words)
                    if token.encode() in words:
                        seen.append(path)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        well(roll_out(bundle(), board.address, token=token, live=("--out", f"http://0.0.0.0:{free_port()}")))
    finally:
        done.set()
        watcher.join()
    assert f'EDGESEG_TOKEN="{token}"' in board.env.read_text()
    assert any(b"\0install\0" in words for words in asked), "the watcher sees what runs on the board"
    assert any(b"\0switch\0" in words for words in asked)
    assert seen == []
