"""A board below a folder, whose commands run in processes of their own; its systemd is a stand-in."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeseg.board.layout import Layout

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).parent / "standin"
PACKAGES, OTHER_PACKAGES = "00112233aabbccdd", "11112233aabbccdd"
GOOD = ("--source", "belt:?size=64x96", "--max-fps", "10")


@dataclass
class Board:
    """Commands run on it in processes of their own, as over SSH."""

    root: Path
    port: int
    tools: Path = STANDIN
    """Programs that go before the stand-in's."""

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ}
        return kept | {
            "PATH": f"{self.tools}:{STANDIN}:{os.environ['PATH']}",
            "EDGESEG_ROOT": str(self.root),
            "EDGESEG_STANDIN_PYTHON": sys.executable,
        }

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-P", "-m", "edgeseg.board", *map(str, words)]

    @property
    def installed(self) -> dict[str, str]:
        """The environment of what its packages run."""
        return self.environment | {"PYTHONPATH": str(self.layout.packages / PACKAGES)}

    def run(self, *words: object, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), env=self.installed, capture_output=True, text=True, timeout=120, **more
        )

    def begin(self, *words: object) -> "subprocess.Popen[str]":
        """The same, not waited for."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.command(*words), env=self.installed, stdout=pipe, stderr=pipe, text=True)

    def told(self, *words: object, code: int = 0) -> dict[str, Any]:
        """The object that it prints."""
        done = self.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def refused(self, *words: object, code: int = 1) -> str:
        """The one line that says why."""
        done = self.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        assert not done.stdout
        assert done.stderr.startswith("edgeseg: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    def install(self, bundle: Path, packages: str = PACKAGES) -> str:
        return str(self.told("install", bundle, "--packages", packages)["release"])

    def switch(self, release: str, code: int = 0, limit: float = 40, hold: float = 1) -> dict[str, Any]:
        return self.told("switch", release, f"--limit={limit}", f"--hold={hold}", code=code)

    def systemctl(self, *words: str) -> str:
        """Of the stand-in."""
        done = subprocess.run(
            [str(STANDIN / "systemctl"), *words], env=self.environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def lose_power(self) -> None:
        self.systemctl("power-cut")

    def boot(self) -> None:
        (self.root / "run/systemd/system").mkdir(parents=True)
        self.systemctl("boot")

    def words(self) -> list[str]:
        """What the service's process was given after `live`: bundle and options; empty where none runs."""
        pid = int(self.systemctl("show", "edgeseg", "--property=MainPID").partition("=")[2])
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            return words[words.index("live") + 1 : -1]
        except (OSError, ValueError):  # it has just ended, or just begun
            return []

    def running(self) -> str | None:
        """The release whose bundle runs; None where none does."""
        words = self.words()
        return Path(words[0]).parent.resolve().name if words else None

    def answers(self) -> bool:
        """The page says that frames come."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def bring(self, release: str, *more: str) -> None:
        """New options for a release, as deploy leaves them for the next switch."""
        path = self.layout.releases / release / "env.new"
        path.write_text(f'EDGESEG_LIVE="--out http://127.0.0.1:{self.port} {" ".join(more)}"\n')
        path.chmod(0o600)

    def options(self, text: str, token: str = "") -> None:
        self.layout.env.parent.mkdir(parents=True, exist_ok=True)
        secret = f"EDGESEG_TOKEN={token}\n" if token else ""
        self.layout.env.write_text(f'{secret}EDGESEG_LIVE="{text}"\n')
        self.layout.env.chmod(0o600)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until(true: Callable[[], Any], limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def make_system(board: Board) -> None:
    """An empty system; its packages are the working tree, and for the rest the interpreter's own."""
    for folder in ("etc/systemd/system", "run/systemd/system", "opt", "tmp"):
        (board.root / folder).mkdir(parents=True)
    (board.root / "etc/group").write_text("root:x:0:\nvideo:x:44:\nrender:x:106:\nplugdev:x:46:\n")
    for name in (PACKAGES, OTHER_PACKAGES):
        folder = board.layout.packages / name
        folder.mkdir(parents=True)
        (folder / "edgeseg").symlink_to(ROOT / "edgeseg")
    board.options(f"--out http://127.0.0.1:{board.port}")
