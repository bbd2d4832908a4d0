"""A release is tried, and kept or left; whatever happens in between, something that works runs."""

import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.board.machine import STANDIN, Board, until

Releases = dict[str, str]


def test_the_first_release_runs_and_does_so_after_a_start(board: Board, releases: Releases) -> None:
    release = releases["old"]
    told = board.switch(release)
    assert (told["state"], told["release"], told["previous"]) == ("switched", release, None)
    assert str(board.layout.current.readlink()) == f"releases/{release}"
    assert board.running() == release
    assert board.answers()
    assert not board.layout.trial.exists()
    assert board.layout.command.exists()
    board.lose_power()
    assert not board.answers()
    board.boot()
    assert board.running() == release
    until(board.answers)


def test_a_first_release_that_fails_leaves_nothing_running(board: Board, releases: Releases) -> None:
    told = board.switch(releases["ends"], code=3)
    assert (told["state"], told["to"]) == ("returned", None)
    assert board.systemctl("is-active", "edgeseg") == "inactive"
    assert board.systemctl("is-enabled", "edgeseg") == "disabled"
    assert not board.layout.current.is_symlink()
    board.lose_power()
    board.boot()
    assert board.running() is None


@pytest.mark.slow
def test_a_good_release_takes_over_and_rollback_goes_back_and_forth(board: Board, releases: Releases, old: str) -> None:
    new = releases["new"]
    assert board.switch(new)["previous"] == old
    assert board.running() == new
    status = board.told("status")
    assert (status["current"], status["previous"], status["trial"]) == (new, old, None)
    assert status["service"]["state"] == "active"
    assert status["service"]["enabled"]
    assert status["page"] == {"port": board.port, "health": "ok"}
    assert status["last_switch"]["state"] == "switched"
    assert {each["release"] for each in status["releases"]} == set(releases.values())
    for wanted in (old, new):
        assert board.told("rollback", "--hold=0.5")["release"] == wanted
        assert board.running() == wanted
        assert board.answers()


@pytest.mark.parametrize(
    ("name", "reason"), [("ends", "nowhere.mp4"), pytest.param("stalls", "no frame", marks=pytest.mark.slow)]
)
def test_a_bad_release_returns_by_itself(board: Board, releases: Releases, old: str, name: str, reason: str) -> None:
    told = board.switch(releases[name], code=3, limit=8, hold=4)
    assert (told["state"], told["to"], told["healthy"]) == ("returned", old, True)
    assert reason in told["reason"]
    assert board.running() == old
    assert board.answers()
    assert not board.layout.trial.exists()
    assert board.told("status")["last_switch"]["state"] == "returned"
    assert str(board.layout.current.readlink()) == f"releases/{old}"


@pytest.mark.slow
def test_a_service_without_a_page_is_judged_by_systemd_alone(board: Board, releases: Releases) -> None:
    board.options("--out jsonl:lines")
    release = releases["old"]
    assert board.switch(release)["state"] == "switched"
    assert board.told("status")["page"] is None
    assert (board.root / "var/lib/edgeseg/lines").exists()


def test_options_of_the_board_that_cannot_be_read_stop_nothing(board: Board, old: str) -> None:
    board.layout.env.write_text('EDGESEG_LIVE="--out \'http://127.0.0.1:80"\n')
    assert "mend its quotes" in board.refused("switch", old, code=2)
    assert board.answers()


def trial_begins(board: Board, release: str, *options: str) -> subprocess.Popen[str]:
    """Somebody's call of `switch`, once the release is being tried."""
    caller = board.begin("switch", release, *options)
    until(lambda: board.running() == release)
    return caller


def test_power_lost_in_a_trial_brings_the_old_release_back(board: Board, releases: Releases, old: str) -> None:
    new = releases["new"]
    caller = trial_begins(board, new, "--hold=60")
    board.lose_power()
    caller.kill()
    caller.communicate()
    board.boot()
    assert board.running() == old
    until(board.answers)
    status = board.told("status")
    assert (status["current"], status["trial"], status["last_switch"]) == (old, None, None)
    assert board.switch(new)["state"] == "switched"


def test_power_lost_in_a_trial_brings_the_old_options_back(board: Board, old: str) -> None:
    board.bring(old, "--smooth")
    caller = board.begin("switch", old, "--hold=60")
    until(lambda: "--smooth" in board.words())
    board.lose_power()
    caller.kill()
    caller.communicate()
    board.boot()
    until(board.answers)
    assert "--smooth" not in board.words()


@pytest.mark.slow
def test_rollback_brings_the_older_options_back(board: Board, releases: Releases, old: str) -> None:
    new = releases["new"]
    board.bring(new, "--smooth")
    board.switch(new)
    assert "--smooth" in board.words()
    assert sorted(path.name for path in board.layout.own(new).parent.glob("*env*")) == ["env"]
    assert board.layout.own(new).stat().st_mode & 0o777 == 0o600
    board.bring(old, "--source", "never-tried.mp4")  # of a deploy that was cut off before its switch
    board.told("rollback", "--hold=0.5")
    assert board.running() == old
    assert "--smooth" not in board.words()
    board.told("rollback", "--hold=0.5")
    assert "--smooth" in board.words()


@pytest.mark.slow
def test_new_options_that_fail_make_way_for_the_ones_before(board: Board, releases: Releases, old: str) -> None:
    board.bring(old, "--smooth")
    assert board.switch(old)["state"] == "switched"
    board.bring(old, "--source", "nowhere.mp4")
    told = board.switch(old, code=3, limit=8)
    assert "nowhere.mp4" in told["reason"]
    assert told["healthy"]
    assert "--smooth" in board.words()
    assert not board.layout.tried(old).name.endswith(".new")


def test_new_options_whose_switch_is_killed_make_way_too(board: Board, old: str) -> None:
    board.bring(old, "--smooth")
    caller = board.begin("switch", old, "--hold=60")
    until(lambda: "--smooth" in board.words())
    board.systemctl("kill", "edgeseg-release-switch")
    caller.communicate(timeout=60)
    assert caller.returncode == 3
    until(board.answers)
    assert "--smooth" not in board.words()


@pytest.mark.parametrize(("fails", "state"), [("enable", "returned"), ("daemon-reload", "switched")])
def test_what_is_told_is_what_runs_also_when_systemd_refuses(
    board: Board, releases: Releases, old: str, fails: str, state: str, tmp_path: Path
) -> None:
    """`enable` is asked before the decision; the last reload comes after it."""
    new = releases["new"]
    refusing = tmp_path / "tools" / "systemctl"
    refusing.parent.mkdir()
    decided = f'[ "$(readlink {board.layout.current})" = releases/{new} ]'
    condition = decided if state == "switched" else "true"
    refusing.write_text(
        f'#!/bin/sh\nif [ "$1" = {fails} ] && {condition}; then echo refused >&2; exit 1; fi\n'
        f'exec {STANDIN}/systemctl "$@"\n'
    )
    refusing.chmod(0o755)
    board.tools = refusing.parent
    told = board.switch(new, code=3 if state == "returned" else 0)
    assert told["state"] == state
    assert "refused" in told["reason" if state == "returned" else "note"]
    runs = old if state == "returned" else new
    assert board.layout.current.readlink().name == board.running() == runs


def test_a_lock_of_somebody_who_is_not_root_stops_nothing(board: Board, old: str) -> None:
    """They may open the folders, and not the file that counts."""
    handle = os.open(board.layout.home, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        board.told("prune")
    finally:
        os.close(handle)
    assert board.layout.lock.stat().st_mode & 0o777 == 0o600
    assert board.layout.lock.parent.stat().st_mode & 0o777 == 0o755


def test_a_switch_that_is_killed_returns(board: Board, releases: Releases, old: str) -> None:
    caller = trial_begins(board, releases["new"], "--hold=60")
    board.systemctl("kill", "edgeseg-release-switch")
    out, _ = caller.communicate(timeout=60)
    assert caller.returncode == 3
    assert "killed" in json.loads(out)["reason"]
    until(board.answers)
    assert board.running() == old


def test_a_switch_goes_on_when_the_connection_is_lost(board: Board, releases: Releases, old: str) -> None:
    new = releases["new"]
    caller = trial_begins(board, new, "--hold=2")
    os.kill(caller.pid, signal.SIGKILL)
    caller.communicate()
    until(lambda: board.told("status")["current"] == new)
    until(lambda: board.layout.result(new).exists())
    assert json.loads(board.layout.result(new).read_text())["state"] == "switched"


def test_one_switch_at_a_time(board: Board, releases: Releases, old: str) -> None:
    new = releases["new"]
    caller = trial_begins(board, new, "--hold=90")
    assert "under way" in board.refused("switch", old)
    assert "just now" in board.refused("prune")
    board.systemctl("kill", "edgeseg-release-switch")
    caller.communicate(timeout=60)


@pytest.mark.slow
def test_the_service_of_a_newer_edgeseg_is_tried_before_it_is_kept(board: Board, releases: Releases, old: str) -> None:
    text = board.layout.unit.read_text()
    board.layout.unit.write_text(text.replace("RestartSec=3", "RestartSec=7"))
    board.systemctl("daemon-reload")
    older = board.layout.unit.read_text()
    board.switch(releases["ends"], code=3)
    assert board.layout.unit.read_text() == older
    board.switch(releases["new"])
    assert board.layout.unit.read_text() == text


@pytest.mark.slow
def test_what_a_release_says_of_its_failure_holds_no_secrets(board: Board, releases: Releases) -> None:
    board.options("--source rtsp://me:hunter2@127.0.0.1:9/x?token=s3cret", "t0k3n-nobody-knows")
    told = board.switch(releases["new"], code=3, limit=6)
    assert told["state"] == "returned"
    everything = json.dumps(told) + json.dumps(board.told("status"))
    assert not any(secret in everything for secret in ("hunter2", "t0k3n-nobody-knows", "s3cret"))


def test_no_secret_stands_in_a_command_line(board: Board, releases: Releases) -> None:
    secret = "t0k3n-in-no-ps"
    board.options(f"--out http://127.0.0.1:{board.port}", secret)
    seen = []

    def look() -> bool:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes())
            except OSError:
                continue
        return caller.poll() is not None

    caller = trial_begins(board, releases["new"], "--hold=1")
    until(look)
    assert caller.returncode == 0
    caller.communicate()
    assert len(seen) > 10
    assert not any(secret.encode() in line for line in seen)
