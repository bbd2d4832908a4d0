"""Boards that are reached through a real sshd: a folder each stands in for /, and for systemd what tests/board has."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edgeseg.deploy.address import Address
from edgeseg.deploy.connection import Login
from edgeseg.deploy.facts import Facts
from edgeseg.deploy.fleet import Outcome, Watch
from edgeseg.deploy.remote import Report
from edgeseg.deploy.rollout import Order, Settings
from edgeseg.deploy.run import Run
from edgeseg.files import sha256_of
from edgeseg.packages import archive, own
from edgeseg.packages.cache import Packages
from tests.board.bundles import bundle_maker
from tests.board.machine import STANDIN, free_port

SSHD = Path("/usr/sbin/sshd")
SYSTEMD_RUNS = "run/systemd/system"
TIMING = ("--limit=40", "--hold=0.5")
KEYGEN = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f")


@dataclass
class Sshd:
    """One board."""

    folder: Path
    root: Path
    authorized: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", os.environ.get("USER") or "root", self.port)

    @property
    def host_key(self) -> Path:
        return self.folder / "host_key"

    @property
    def home(self) -> Path:
        return self.root / "opt/edgeseg"

    @property
    def known(self) -> str:
        kind, key = self.host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"

    @property
    def current(self) -> str | None:
        """The release that runs after a start."""
        link = self.home / "current"
        return link.readlink().name if link.is_symlink() else None

    @property
    def env(self) -> Path:
        """The options and secrets of the release that runs."""
        return self.home / "current/env"

    def words(self) -> list[str]:
        """What the service's process was given after `live`; empty where none runs."""
        pid = int(self.systemctl("show", "edgeseg", "--property=MainPID").partition("=")[2])
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0") if pid else []
        return words[words.index("live") + 1 : -1] if words else []

    def serving(self) -> str | None:
        """The release whose bundle runs."""
        words = self.words()
        return Path(words[0]).parent.resolve().name if words else None

    def systemctl(self, *words: str) -> str:
        """Of the stand-in."""
        environment = os.environ | {"EDGESEG_ROOT": str(self.root), "PATH": f"{STANDIN}:{os.environ['PATH']}"}
        done = subprocess.run([STANDIN / "systemctl", *words], env=environment, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self, **environment: str) -> None:
        given = {
            "HOME": str(self.folder),
            "EDGESEG_ROOT": str(self.root),
            "EDGESEG_STANDIN_PYTHON": str(self.folder / "bin" / "python3"),
            "PATH": f"{STANDIN}:{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        } | environment
        config = self.folder / "sshd_config"
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "PidFile none",
            "SetEnv " + " ".join(shlex.quote(f"{name}={value}") for name, value in given.items()),
        ]
        config.write_text("\n".join(lines) + "\n")
        log = (self.folder / "sshd.log").open("ab")
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log, start_new_session=True)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail((self.folder / "sshd.log").read_text())

    def signal_all(self, number: int) -> None:
        """To the processes that serve its connections, and to none that these started."""
        assert self.process
        listed = subprocess.run(["ps", "-eo", "ppid=,pid=,comm="], capture_output=True, text=True, check=True)
        rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        found = [str(self.process.pid)]
        for parent in found:
            found += [pid for ppid, pid, name in rows if ppid == parent and name.startswith("sshd")]
        for pid in found[1:]:
            os.kill(int(pid), number)

    def cut(self) -> None:
        """End all connections, as a network that goes away does."""
        self.signal_all(signal.SIGKILL)

    def stop(self) -> None:
        if self.process:
            self.cut()
            self.process.terminate()
            self.process.wait()


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, with a key and no agent."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return home


@pytest.fixture
def make_board(user: Path, tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start boards, which know the user's key and whose keys the user knows."""
    if not SSHD.exists() or not shutil.which("ssh-keygen"):
        pytest.skip("needs a real sshd: install it with  sudo apt install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd asks for it
    subprocess.run([*KEYGEN, user / ".ssh" / "id_ed25519"], check=True)
    made: list[Sshd] = []

    def make(name: str = "board", **environment: str) -> Sshd:
        folder = tmp_path / name
        for each in (folder / "bin", folder / "root" / SYSTEMD_RUNS, folder / "root/opt"):
            each.mkdir(parents=True)
        python = folder / "bin" / "python3"
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)
        board = Sshd(folder, folder / "root", user / ".ssh" / "id_ed25519.pub")
        subprocess.run([*KEYGEN, board.host_key], check=True)
        with (user / ".ssh" / "known_hosts").open("a") as file:
            file.write(board.known)
        board.start(**environment)
        made.append(board)
        return board

    yield make
    for board in made:
        board.systemctl("power-cut")
        board.stop()


@pytest.fixture
def board(make_board: Callable[..., Sshd]) -> Sshd:
    return make_board()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """edgeseg alone: this Python, which stands in for the board's, has the libraries."""
    folder = tmp_path_factory.mktemp("packages")
    items = archive.gather(folder / "none", own.read(()).files)
    path = folder / "packages.tar.gz"
    archive.write(path, items)
    size = sum(len(item.read()) for item in items)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Packages(archive.identify(items), path, python, "x86_64", {}, path.stat().st_size, size, sha256_of(path))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a bundle of the smallest model with these options; each name gives another release."""
    return bundle_maker(tmp_path_factory)


@pytest.fixture
def roll_out(packages: Packages) -> Callable[..., list[Outcome]]:
    """Deploy with those packages."""

    def run(
        bundle: Path,
        *boards: Address,
        key: Path | None = None,
        given: Packages = packages,
        watch: Watch = lambda *_: None,
        **settings: object,
    ) -> list[Outcome]:
        async def supply(facts: Facts, extras: tuple[str, ...], report: Report) -> Packages:
            return given

        order = replace(Order.of(bundle, Settings(**settings), key), timing=TIMING)  # type: ignore[arg-type]
        return Run(boards, Login(), watch).roll_out(order, supply)

    return run
