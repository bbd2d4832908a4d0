"""New bundles for the same board, over SSH, and what happens to it when they are bad or power goes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulator.conftest import SAME, Bundles, Told, Workplace, belt
from tests.emulator.machine import Guest
from tests.emulator.readme import commands as readme

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
TRIAL = "/run/systemd/system/edgeseg.service.d/trial.conf"
RETURNED = 3
Agreement = Callable[[Guest, int], float]
Start = Callable[..., subprocess.Popen[str]]
Deploy = Callable[..., Told]


@pytest.fixture
def login(running: Guest) -> list[object]:
    """What follows the bundle on the command line."""
    running.run("true")
    place = f"{running.user.name}@127.0.0.1:{running.ssh_port}"
    return [place, "--identity", running.user.key, "--accept-new-host-keys"]


@pytest.fixture
def deploy(command: Callable[..., Told], login: list[object]) -> Deploy:
    """Run `edgeseg deploy` for the board."""
    return lambda *words: command("deploy", *words, *login)


@pytest.fixture
def as_written(running: Guest, workplace: Workplace, command: Callable[..., Told]) -> Callable[..., Told]:
    """Run a line of the README, with a bundle in place of its own; `ssh` knows the board by the README's name."""
    known = subprocess.run(["ssh-keyscan", "-p", str(running.ssh_port), "127.0.0.1"], capture_output=True, check=True)
    folder = workplace.home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "known_hosts").write_bytes(known.stdout)
    way = f"HostName 127.0.0.1\n  Port {running.ssh_port}\n  IdentityFile {running.user.key}"
    (folder / "config").write_text(f"Host line1.local\n  {way}\n")

    def run(option: str, bundle: Path | None = None) -> Told:
        lines = readme("edgeseg deploy --status", {"street.edgeseg": bundle} if bundle else {})
        return command(*next(words for words in lines if words[1] == (str(bundle) if bundle else option)))

    return run


@pytest.fixture(scope="module")
def second(bundles: Bundles) -> Path:
    """Another belt than the card's."""
    return bundles("second", belt(8))


@pytest.fixture(scope="module")
def third(bundles: Bundles) -> Path:
    return bundles("third", belt(9))


@pytest.fixture(scope="module")
def large(bundles: Bundles) -> Path:
    """Takes some seconds to send."""
    return bundles("large", belt(10), noise=8)


def test_a_new_bundle_takes_the_place_of_the_cards(
    running: Guest, as_written: Deploy, second: Path, agreement: Agreement
) -> None:
    told = as_written("", second)
    assert told.code == 0, told.problems
    running.wait_for_page()
    assert agreement(running, 8) > SAME
    assert agreement(running, 7) < SAME


def test_its_state_is_told(as_written: Deploy, running: Guest) -> None:
    told = as_written("--status")
    assert told.code == 0, told.problems
    assert _current(running) in told.out


def test_a_bundle_that_gives_no_frames_returns_by_itself(
    running: Guest, deploy: Deploy, bundles: Bundles, agreement: Agreement
) -> None:
    before = _current(running)
    told = deploy(bundles("broken", "/nowhere/clip.mp4"))
    assert told.code == RETURNED, told.out + told.problems
    assert "clip.mp4" in told.problems
    running.wait_for_page()
    assert _current(running) == before
    assert agreement(running, 8) > SAME


@pytest.mark.parametrize("signer", ["theirs", None])
def test_a_bundle_that_its_key_has_not_signed_is_refused(
    running: Guest, deploy: Deploy, bundles: Bundles, signer: str | None
) -> None:
    before = _current(running)
    told = deploy(bundles(f"foreign-{signer}", belt(11), signer=signer))
    assert told.code == 1, told.out + told.problems
    assert "sign" in told.problems
    assert _current(running) == before


def test_it_goes_back_when_told_to(running: Guest, as_written: Deploy, agreement: Agreement) -> None:
    told = as_written("--rollback")
    assert told.code == 0, told.problems
    running.wait_for_page()
    assert agreement(running, 7) > SAME


def test_without_power_in_an_upload_the_release_before_runs(
    running: Guest, start: Start, login: list[object], large: Path, agreement: Agreement
) -> None:
    before = _current(running)
    process = start("deploy", large, *login)
    _until_stage(process, "bundle")
    running.pull_plug()
    assert "self-test" not in _failed(process)
    _comes_up(running, before, agreement)


def test_without_power_in_a_trial_the_release_before_runs(
    running: Guest, start: Start, login: list[object], third: Path, agreement: Agreement
) -> None:
    before = _current(running)
    process = start("deploy", third, *login)
    _until_stage(process, "switch")
    running.wait_for("trial", lambda: running.run(f"test -e {TRIAL}", check=False).returncode == 0)
    running.pull_plug()
    _failed(process)
    _comes_up(running, before, agreement)
    assert running.run(f"test -e {TRIAL}", check=False).returncode == 1


def test_a_deploy_that_lost_its_board_can_be_done_again(
    running: Guest, deploy: Deploy, third: Path, agreement: Agreement
) -> None:
    told = deploy(third)
    assert told.code == 0, told.problems
    running.wait_for_page()
    assert agreement(running, 9) > SAME


def _current(board: Guest) -> str:
    """The release that runs after the next start."""
    return board.text("readlink /opt/edgeseg/current").removeprefix("releases/")


def _failed(process: subprocess.Popen[str]) -> str:
    """What a deploy said that lost its board."""
    _, problems = process.communicate(timeout=120)
    assert process.returncode == 1, problems
    return problems


def _comes_up(board: Guest, release: str, agreement: Agreement) -> None:
    """With power again, it runs that release and the belt of the first."""
    board.power_on()
    board.wait_for_page()
    assert _current(board) == release
    assert agreement(board, 7) > SAME


def _until_stage(process: subprocess.Popen[str], stage: str) -> None:
    """Read what a deploy tells, up to a line for `stage`."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.strip().endswith(f": {stage}"):
            return
    pytest.fail(f"no stage '{stage}': {said}")
