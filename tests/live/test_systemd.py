import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeseg.live.systemd import Notifier


class Systemd:
    """A socket that listens as systemd's does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(0)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    abstract = request.param == "abstract"
    found = Systemd(f"@edgeseg-test-{os.getpid()}" if abstract else str(tmp_path / "notify"))
    yield found
    found.close()


@pytest.fixture
def notifier(systemd: Systemd) -> Callable[..., Notifier]:
    return lambda **environment: Notifier({"NOTIFY_SOCKET": systemd.address, **environment})


def test_what_is_told_is_heard(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    told = notifier()
    told.ready()
    told.status("30 fps")
    told.stopping()
    assert systemd.heard() == ["READY=1", "STATUS=30 fps", "STOPPING=1"]


def test_a_status_is_one_line_and_said_once(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    told = notifier()
    for text in ("lost,\ntrying again", "lost,\ntrying again", "back"):
        told.status(text)
    assert systemd.heard() == ["STATUS=lost, trying again", "STATUS=back"]


def test_a_reload_says_when_it_began(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier().reloading()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    match = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", systemd.heard()[0])
    assert match is not None
    assert before <= int(match[1]) <= after


def test_the_watchdog_is_fed_at_half_its_limit(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    told = notifier(WATCHDOG_USEC="400000", WATCHDOG_PID=str(os.getpid()))
    started = time.monotonic()
    while time.monotonic() - started < 0.5:
        told.alive()
        time.sleep(0.001)
    lasted = time.monotonic() - started
    heard = systemd.heard()
    assert set(heard) == {"WATCHDOG=1"}
    assert 2 <= len(heard) <= lasted / 0.2 + 1


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}],
    ids=["not asked for", "meant for another process", "garbage"],
)
def test_no_watchdog_is_fed_that_is_not_ours(
    systemd: Systemd, notifier: Callable[..., Notifier], environment: dict[str, str]
) -> None:
    notifier(**environment).alive()
    assert systemd.heard() == []


def test_a_watchdog_without_a_process_id_is_ours(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    notifier(WATCHDOG_USEC="400000").alive()
    assert systemd.heard() == ["WATCHDOG=1"]


def fill(told: Notifier) -> None:
    """More than any queue of datagrams holds."""
    for number in range(2000):
        told.status(f"frame {number}")


def test_a_systemd_that_does_not_read_never_holds_the_loop(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    told = notifier()
    fill(told)
    assert 0 < len(systemd.heard()) < 2000
    told.status("caught up")
    assert systemd.heard() == ["STATUS=caught up"]


def test_readiness_waits_for_a_systemd_that_is_busy(systemd: Systemd, notifier: Callable[..., Notifier]) -> None:
    told = notifier()
    fill(told)
    heard: list[str] = []
    reader = threading.Timer(0.1, lambda: heard.extend(systemd.heard()))
    reader.start()
    told.ready()
    reader.join()
    assert [*heard, *systemd.heard()][-1] == "READY=1"


def test_the_end_does_not_wait_long_for_a_systemd_that_does_not_read(
    systemd: Systemd, notifier: Callable[..., Notifier]
) -> None:
    told = notifier()
    fill(told)
    told.stopping()
    assert "STOPPING=1" not in systemd.heard()


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1"], ids=["none", "gone", "unknown kind"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    told = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"} if address else {})
    told.ready()
    told.status("x")
    told.alive()
    told.reloading()
    told.stopping()
