"""A board in an emulator: it boots a card's image as a board's firmware would."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NEEDS = {
    "qemu-system-aarch64": "qemu-system-arm",
    "mcopy": "mtools",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Debian's packages, by a program that each brings."""
FIRMWARE_FILES = ("kernel8.img", "initramfs8", "cmdline.txt")
MEMORY_MIB = 1024
POLL_S = 1.0
SSH_FAILED = 255
"""Its own exit code, not that of a command."""
REPORT = "edgeseg/first-boot.json"
QUICK = "nokaslr mitigations=off"
"""For the kernel: without, each system call empties what the emulator has translated of the page tables."""
NAMES = "net.ifnames=0"
"""Raspberry Pi OS calls its cable eth0."""


@dataclass(frozen=True)
class User:
    """Who may log in."""

    name: str
    key: Path
    """A private key."""


class Guest:
    """A board with `card` in it. It has no network but two doors: its page, and SSH.

    The card's writes go to the host's memory at once, which outlives a killed emulator: as
    with a real card, what the board had sent to it stays, and what it still held in its own
    memory is lost.
    """

    def __init__(self, card: Path, folder: Path, user: User, token: str = "") -> None:
        self.card, self.user, self.token = card, user, token
        self.page_port, self.ssh_port = _free_port(), _free_port()
        self.boots = 0
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def powered(self) -> bool:
        """Whether it has power."""
        return self._process is not None

    @property
    def serial(self) -> str:
        """What the board has said on its serial line since it got power."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self._folder / f"serial-{self.boots}.log"

    def power_on(self) -> None:
        """Give it power; it may take minutes until anything answers."""
        assert self._process is None, "it has power"
        self.boots += 1
        for name in FIRMWARE_FILES:
            (self._folder / name).write_bytes(self.boot_file(name))
        cmdline = (self._folder / "cmdline.txt").read_text().strip()
        cmdline = cmdline.replace("console=serial0,115200", "console=ttyAMA0,115200").replace("console=tty1", "")
        command = ["setpriv", "--pdeathsig", "KILL"]  # it does not outlive the tests
        command += ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(MEMORY_MIB)]
        command += ["-accel", "tcg,thread=multi,tb-size=512", "-display", "none", "-monitor", "none", "-no-reboot"]
        command += ["-kernel", str(self._folder / "kernel8.img"), "-initrd", str(self._folder / "initramfs8")]
        command += [
            "-append",
            f"{cmdline} {QUICK} {NAMES}",
            "-serial",
            f"file:{self._log}",
            "-device",
            "virtio-rng-pci",
        ]
        command += ["-drive", f"file={self.card},format=raw,if=none,id=card,cache=unsafe"]
        command += ["-device", "virtio-blk-pci,drive=card", "-device", "virtio-net-pci,netdev=net,romfile="]
        doors = f"hostfwd=tcp:127.0.0.1:{self.page_port}-:8080,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
        command += ["-netdev", f"user,id=net,restrict=on,{doors}"]
        self._log.touch()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def pull_plug(self) -> None:
        """Take its power away, now."""
        self._end(signal.SIGKILL)

    def shut_down(self) -> None:
        """As a user does it; raises AssertionError where it takes longer than a minute and a half."""
        assert self._process is not None, "it has no power"
        self._try("sudo systemctl poweroff")
        try:
            self._process.wait(90)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._tail("it does not shut down")) from None
        finally:
            self._end(signal.SIGKILL)

    def wait_for(self, what: str, look: Callable[[], T | None], seconds: float = 900) -> T:
        """What `look` gives once it gives something; raises AssertionError, with the serial line's end, for nothing."""
        until = time.monotonic() + seconds
        while not (found := look()):
            if self._process is None or self._process.poll() is not None:
                raise AssertionError(self._tail(f"the emulator has ended while waiting for {what}"))
            if time.monotonic() > until:
                raise AssertionError(self._tail(f"no {what} in {seconds:.0f} s"))
            time.sleep(POLL_S)
        return found

    def wait_for_serial(self, pattern: str, seconds: float = 900) -> None:
        """Until the serial line has what matches `pattern`."""
        self.wait_for(f"'{pattern}' on the serial line", lambda: re.search(pattern, self.serial), seconds)

    def wait_for_page(self, seconds: float = 900) -> None:
        """Until frames are segmented."""
        self.wait_for("page", self.answers, seconds)

    def page(self, path: str) -> tuple[bytes, dict[str, str]]:
        """What the page's address answers, body and headers; raises OSError for errors."""
        return page(self.page_port, path, self.token)

    def answers(self) -> bool:
        """Whether frames are segmented."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.page("/healthz"))
        return False

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `command` on the board over SSH, once somebody can log in."""
        done = self.wait_for("SSH", lambda: self._try(command))
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def _try(self, command: str) -> subprocess.CompletedProcess[str] | None:
        """None where nobody can log in."""
        options = ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self._folder / 'known_hosts'}"]
        options += ["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-F", "none"]
        options += ["-i", str(self.user.key), "-p", str(self.ssh_port)]
        ssh = ["ssh", *options, f"{self.user.name}@127.0.0.1", command]
        done = subprocess.run(ssh, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=200)
        return None if done.returncode == SSH_FAILED else done

    def text(self, command: str) -> str:
        """What `command` prints on the board."""
        return self.run(command).stdout.strip()

    def boot_file(self, name: str) -> bytes:
        """A file of the card's boot partition; raises FileNotFoundError where it is not there."""
        done = subprocess.run(["mtype", "-i", self.boot_partition, f"::{name}"], capture_output=True, check=False)
        if done.returncode:
            raise FileNotFoundError(f"{name}: {done.stderr.decode().strip()}")
        return done.stdout

    def boot_bytes(self) -> bytes:
        """All of the boot partition, whether a file's or not."""
        start, size = self._boot_place()
        with self.card.open("rb") as card:
            card.seek(start)
            return card.read(size)

    def _boot_place(self) -> tuple[int, int]:
        with self.card.open("rb") as card:
            start, sectors = struct.unpack_from("<II", card.read(512), 446 + 8)
        return start * 512, sectors * 512

    @property
    def boot_partition(self) -> str:
        """As mtools want it: the image, and where in it the first partition begins."""
        return f"{self.card}@@{self._boot_place()[0]}"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _tail(self, problem: str) -> str:
        with contextlib.suppress(FileNotFoundError):
            problem += f"; the first boot says {self.boot_file(REPORT).decode()}"
        return "\n".join([f"{problem}; {self._log} ends with", *self.serial.splitlines()[-40:]])


def page(port: int, path: str, token: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of what a page on this machine answers; raises OSError for errors."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read(), dict(answer.headers)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
