"""The card's first start: it completes, whenever power is lost, and says on the card what came of it."""

import hashlib
import io
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgeseg.board.first_boot import Secrets
from edgeseg.bundle.sign import make_keys
from tests.board.machine import ROOT, Board, until

FIRST_BOOT = ROOT / "edgeseg/board/first_boot.py"
ID = "abcdef0123456789"
TOKEN = "t0k3n-for-nobody"
WIFI = 'network:\n  wifis:\n    wlan0:\n      access-points:\n        "home": {password: "hunter2"}\n'
USER = "#cloud-config\nuser:\n  name: ada\n  hashed_passwd: $6$salt$b4rley\nusers:\n- passwd: $6$b4rley\n  name: bob\n"
Make = Callable[..., Path]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree's package; the rest is the interpreter's own."""
    path = tmp_path_factory.mktemp("packages") / "packages.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for file in sorted((ROOT / "edgeseg").rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                tar.add(file, file.relative_to(ROOT))
    return path


class Card:
    """A FAT partition as a folder, and the board that it is put in."""

    def __init__(self, board: Board, folder: Path) -> None:
        self.board, self.boot, self.files = board, folder, folder / "edgeseg"

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self.files / "first_boot.py")]

    @property
    def environment(self) -> dict[str, str]:
        return self.board.environment

    def run(self, code: int = 0, **more: Any) -> dict[str, Any]:
        """What stands on the card after it."""
        done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True, timeout=120, **more)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return self.report()

    def report(self) -> dict[str, Any]:
        found = json.loads((self.files / "first-boot.json").read_text())
        assert isinstance(found, dict)
        return found

    def stage(self) -> str:
        return str(self.report()["stage"]) if (self.files / "first-boot.json").exists() else ""

    def describe(self, **changes: Any) -> None:
        """card.json, true to what lies there."""
        digests = {
            path.relative_to(self.files).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.files.rglob("*")
            if path.is_file() and path.name not in ("card.json", "env", "first-boot.json")
        }
        card = {"format": 1, "edgeseg": "0.1", "packages": ID, "os": "trixie", "applied": {}, "sha256": digests}
        card |= {"bundle": "x", "python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        (self.files / "card.json").write_text(json.dumps(card | changes))

    def text(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self.boot.rglob("*") if path.is_file())


@pytest.fixture
def card(board: Board, bundle: Make, archive: Path, tmp_path: Path) -> Card:
    """As the card's writer leaves it."""
    shutil.rmtree(board.layout.home)
    board.layout.env.unlink()
    card = Card(board, tmp_path / "firmware")
    card.files.mkdir(parents=True)
    shutil.copyfile(FIRST_BOOT, card.files / "first_boot.py")
    shutil.copyfile(archive, card.files / "packages.tar.gz")
    shutil.copyfile(bundle(), card.files / "bundle.edgeseg")
    live = f"--out http://127.0.0.1:{board.port}"
    (card.files / "env").write_text(f'EDGESEG_TOKEN={TOKEN}\nEDGESEG_LIVE="{live}"\n')
    (card.boot / "network-config").write_text(WIFI)
    (card.boot / "user-data").write_text(USER)
    card.describe()
    return card


def test_it_ends_with_a_running_service_and_no_secret_on_the_card(card: Card) -> None:
    report = card.run()
    assert (report["format"], report["state"], report["packages"]) == (1, "running", ID)
    assert report["release"] == card.board.running()
    assert card.board.answers()
    assert not any(secret in card.text() for secret in (TOKEN, "hunter2", "b4rley"))
    left = yaml.safe_load((card.boot / "user-data").read_text())
    assert left == {"user": {"name": "ada", "hashed_passwd": "x"}, "users": [{"passwd": "x", "name": "bob"}]}
    env = card.board.layout.env
    assert TOKEN in env.read_text()
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert not list((card.board.layout.packages / ID).rglob(".*"))
    written = (card.files / "first-boot.json").stat().st_mtime_ns
    pid = card.board.systemctl("show", "edgeseg", "--property=MainPID")
    card.run()
    assert (card.files / "first-boot.json").stat().st_mtime_ns == written
    assert card.board.systemctl("show", "edgeseg", "--property=MainPID") == pid
    card.board.lose_power()
    card.board.boot()
    assert card.board.running() == report["release"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "stage",
    [*("read_card", "take_secrets", "trial"), *(pytest.param(each, marks=SLOW) for each in ("unpack", "start"))],
)
def test_power_lost_at_any_time_is_made_up_for(card: Card, stage: str) -> None:
    held = {"read_card": card.files / "card.json", "take_secrets": card.files / "env"}.get(stage)
    if held:  # it waits there until somebody writes
        kept = held.read_text()
        held.unlink()
        os.mkfifo(held)
    first = subprocess.Popen(card.command, env=card.environment, stderr=subprocess.PIPE, start_new_session=True)
    if stage == "unpack":
        until(lambda: list(card.board.layout.uploads.glob("*/edgeseg/*")))
    elif stage == "trial":
        until(card.board.running)
    else:
        until(lambda: card.stage() == stage)
    assert card.report()["state"] == "begun"
    os.killpg(first.pid, signal.SIGKILL)
    card.board.lose_power()
    first.communicate()
    if held:
        held.unlink()
        held.write_text(kept)
    assert not card.board.layout.current.exists() or stage == "trial"
    card.board.boot()
    report = card.run()
    assert (report["state"], report["release"]) == ("running", card.board.running())
    assert list(card.board.layout.uploads.glob("*")) == []
    assert TOKEN not in card.text()
    assert TOKEN in card.board.layout.env.read_text()


def test_secrets_that_were_half_wiped_are_not_taken_again(card: Card) -> None:
    env = card.board.layout.env
    env.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(card.files / "env", env)
    kept = env.read_text()
    (card.files / "env.edgeseg-gone").write_text("\n\n\nOKEN=half\n")
    (card.files / "packages.tar.gz").write_bytes(b"")  # enough for this test
    card.run(code=1)
    assert env.read_text() == kept
    assert not list(card.boot.rglob("*gone*"))


def test_what_holds_no_secret_or_is_still_to_run_stays(card: Card) -> None:
    (card.boot / "network-config").write_text("network: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n")
    (card.boot / "firstrun.sh").write_text("#!/bin/sh\n")
    (card.boot / "custom.toml").write_text("[wlan]\n")
    (card.boot / "cmdline.txt").write_text("rootwait systemd.run=/boot/firmware/firstrun.sh\n")
    (card.files / "packages.tar.gz").write_bytes(b"")  # enough for this test
    card.run(code=1)
    assert sorted(path.name for path in card.boot.iterdir()) == sorted(
        ["cmdline.txt", "edgeseg", "firstrun.sh", "network-config", "user-data"]
    )


@pytest.fixture
def cloud(card: Card) -> Path:
    """cloud-init is at work; it ends with a file here."""
    path = Path(card.environment["EDGESEG_ROOT"]) / "var/lib/cloud/instance"
    path.mkdir(parents=True)
    return path


def test_what_cloud_init_may_have_to_read_again_is_wiped_after_its_end(card: Card, cloud: Path) -> None:
    (card.files / "packages.tar.gz").write_bytes(b"")  # enough for this test
    run = subprocess.Popen(card.command, env=card.environment, stderr=subprocess.PIPE)
    until(lambda: card.stage() and card.report()["state"] == "failed")
    assert (card.boot / "network-config").read_text() == WIFI
    assert (card.boot / "user-data").read_text() == USER
    assert TOKEN not in card.text()
    (cloud / "boot-finished").touch()
    run.communicate(timeout=20)
    assert run.returncode == 1
    assert not any(secret in card.text() for secret in ("hunter2", "b4rley"))
    assert card.report()["stage"] == "unpack"


def test_where_cloud_init_does_not_end_the_next_start_wipes_and_does_no_more(card: Card, cloud: Path) -> None:
    home = card.board.layout.home
    home.mkdir(parents=True)
    (home / "first-boot-installed").write_text('{"release": "0123456789abcdef"}')  # as a start before left it
    impatient = FIRST_BOOT.read_text().replace("CLOUD_LIMIT_S = 900", "CLOUD_LIMIT_S = 0")
    (card.files / "first_boot.py").write_text(impatient)
    report = card.run()
    assert (report["state"], report["stage"], report["release"]) == ("running", "forget", "0123456789abcdef")
    assert "the next start removes" in report["message"]
    assert not (home / "first-boot-done").exists()
    (cloud / "boot-finished").touch()
    report = card.run()
    assert (report["state"], report["stage"], report["message"]) == ("running", "done", "")
    assert "hunter2" not in card.text()
    assert (home / "first-boot-done").exists()
    assert not card.board.layout.packages.exists()


def test_user_data_is_yaml_wherever_power_is_lost_while_it_is_written_over(card: Card) -> None:
    """In place, so that the disk keeps no copy."""
    (card.files / "packages.tar.gz").write_bytes(b"")  # enough for this test
    place, old = card.boot / "user-data", USER.encode()
    number = place.stat().st_ino
    card.run(code=1)
    new = place.read_bytes()
    assert (place.stat().st_ino, len(new)) == (number, len(old))
    assert b"b4rley" not in new
    for at in range(len(old)):
        for torn in (new[:at] + old[at:], old[:at] + new[at:]):
            assert yaml.safe_load(torn)["users"][0]["name"] == "bob"
            place.write_bytes(torn)
            assert Secrets(card.boot, card.boot / "root").forget() == ""
            assert b"b4rley" not in place.read_bytes()


def test_short_passwords_go_as_well(card: Card) -> None:
    data = "#cloud-config\nchpasswd:\n  users:\n  - name: a\n    password: b\n  - {}\nssh_pwauth: true\n"
    (card.boot / "user-data").write_text(data)
    assert Secrets(card.boot, card.boot / "root").forget() == ""
    assert (card.boot / "user-data").read_text() == data.replace("word: b", "word: x")


def test_what_it_installs_can_be_read_by_the_service_whatever_the_umask(card: Card) -> None:
    (card.files / "packages.tar.gz").write_bytes(member("edgeseg/sub/x.py"))  # the rest is the interpreter's own
    card.describe()
    card.run(preexec_fn=lambda: os.umask(0o077))
    folder = card.board.layout.packages / ID
    for path in (card.board.layout.packages, folder, folder / "edgeseg", folder / "edgeseg/sub"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "edgeseg/sub/x.py").stat().st_mode) == 0o644
    assert stat.S_IMODE(card.board.layout.env.stat().st_mode) == 0o600


def failed(card: Card, word: str) -> None:
    """It says so on the card, and nothing runs."""
    report = card.run(code=1)
    assert report["state"] == "failed"
    assert word in report["message"]
    assert card.board.running() is None
    assert not (card.board.layout.home / "first-boot-done").exists()
    assert not list(card.board.layout.uploads.glob("*"))


def test_packages_for_another_python_are_not_installed(card: Card) -> None:
    card.describe(python="3.9")
    failed(card, "3.9")
    assert not card.board.layout.packages.exists()


@pytest.mark.parametrize("name", ["packages.tar.gz", "bundle.edgeseg"])
def test_what_is_damaged_on_the_card_is_found_out(card: Card, name: str) -> None:
    data = bytearray((card.files / name).read_bytes())
    data[len(data) // 2] ^= 1
    (card.files / name).write_bytes(data)
    failed(card, "")
    assert not (card.board.layout.packages / ID).exists()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        tar.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        member("../../../out"),
        member("/tmp/edgeseg-was-here"),
        member("a/b", tarfile.SYMTYPE, "/etc"),
        member("a/b", tarfile.LNKTYPE, "c"),
        member("a/b", tarfile.FIFOTYPE),
    ],
    ids=["above", "absolute", "link", "hard link", "pipe"],
)
def test_unsafe_packages_are_refused(card: Card, data: bytes) -> None:
    (card.files / "packages.tar.gz").write_bytes(data)
    card.describe()
    failed(card, "not safe")


def test_a_card_that_is_too_small_leaves_nothing_half(card: Card) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    report = card.run(code=1, preexec_fn=limit)
    assert (report["state"], report["stage"]) == ("failed", "unpack")
    assert "larger card" in report["message"]
    assert not (card.board.layout.packages / ID).exists()
    assert not list(card.board.layout.uploads.glob("*"))


@SLOW
def test_a_release_that_does_not_run_is_told_on_the_card_and_tried_again(card: Card) -> None:
    (card.files / "env").write_text('EDGESEG_LIVE="--source nowhere.mp4"\n')
    failed(card, "nowhere.mp4")
    card.board.options(f"--out http://127.0.0.1:{card.board.port}")
    assert card.run()["state"] == "running"


@SLOW
def test_keys_on_the_card_hold_for_its_own_bundle(card: Card, bundle: Make, tmp_path: Path) -> None:
    secret, public, _ = make_keys(tmp_path / "ours")
    (card.files / "keys").mkdir()
    shutil.copyfile(public, card.files / "keys/ours.pub.pem")
    card.describe()
    failed(card, "not signed")
    shutil.copyfile(bundle(key=secret), card.files / "bundle.edgeseg")
    card.describe()
    assert card.run()["state"] == "running"
    assert (card.board.layout.keys / "ours.pub.pem").read_bytes() == public.read_bytes()


@SLOW
def test_a_card_that_takes_no_report_stops_nothing(card: Card) -> None:
    (card.files / "first-boot.json").mkdir()
    done = subprocess.run(card.command, env=card.environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "cannot be written" in done.stderr
    assert card.board.answers()
    assert not list(card.files.glob("*.new"))


@SLOW
def test_what_came_over_the_network_meanwhile_stays(card: Card, bundle: Make) -> None:
    card.run()
    board = card.board
    shutil.copytree(board.layout.packages / ID, board.layout.packages / "00112233aabbccdd")
    newer = board.install(bundle("newer"))
    assert board.switch(newer)["state"] == "switched"
    for mark in board.layout.home.glob("first-boot-*"):
        mark.unlink()
    assert card.run()["release"] == newer
    assert board.running() == newer
