"""Telling systemd how a service is doing, as sd_notify(3) does; silent where nobody listens."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

MICROSECONDS = 1_000_000
PATIENCE_S = 1.0
"""For what must not be lost, while systemd is too busy to listen."""


class Notifier:
    """Any thread may call it; nothing fails, and what a loop says with every frame never waits."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find NOTIFY_SOCKET, and WATCHDOG_USEC where it is meant for this process."""
        self._socket = None
        self._period_s: float | None = None
        self._alive_s = 0.0
        self._status = ""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return
        import socket  # 3 ms, and only services need it

        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._address = "\0" + address[1:] if address.startswith("@") else address
        limit = environment.get("WATCHDOG_USEC", "")
        if limit.isdigit() and environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            self._period_s = int(limit) / MICROSECONDS / 2

    def ready(self) -> None:
        """The first frame is through, or a reload is."""
        self._send("READY=1", PATIENCE_S)

    def status(self, text: str) -> None:
        """A line that `systemctl status` shows; the same one again is not sent."""
        line = " ".join(text.splitlines())
        if line != self._status and self._send(f"STATUS={line}"):
            self._status = line

    def alive(self) -> None:
        """Call it with every frame; it is sent as often as the watchdog asks, which is half its limit."""
        now = time.monotonic()
        if self._period_s is None or (self._alive_s and now - self._alive_s < self._period_s):
            return
        if self._send("WATCHDOG=1"):
            self._alive_s = now

    def reloading(self) -> None:
        """Something is being exchanged; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1", PATIENCE_S)

    def _send(self, state: str, patience_s: float = 0.0) -> bool:
        if self._socket is None:
            return False
        give_up_s = time.monotonic() + patience_s
        while True:
            try:
                self._socket.sendto(state.encode(), self._address)
                return True
            except BlockingIOError:  # its queue is full
                if time.monotonic() >= give_up_s:
                    return False
                time.sleep(0.01)
            except OSError:  # it is being restarted, say; the loop goes on without it
                return False
