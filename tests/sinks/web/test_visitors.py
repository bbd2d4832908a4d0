"""Visitors that misbehave: each is bounded, and the others notice nothing."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgeseg.sinks.web.limits import Limits

WATCH = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
STREAM = b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"


def read_all(client: socket.socket) -> bytes:
    """Until the page closes; empty where it broke the connection."""
    data = b""
    try:
        while part := client.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("ask", [WATCH, STREAM])
def test_a_viewer_that_never_reads_is_dropped(open_stage: Any, ask: bytes) -> None:
    stage = open_stage(limits=Limits(patience_s=0.5, send_buffer_bytes=4096), size=(480, 640))
    stage.play(fps=30)
    with stage.connect(receive_buffer=4096) as client:
        client.sendall(ask)
        stage.until(lambda: stage.viewers == 1)
        stage.until(lambda: stage.viewers == 0)
        encoded = stage.sink.encoded
        time.sleep(0.2)
        assert stage.sink.encoded == encoded


def test_a_snapshot_that_is_never_read_holds_no_connection(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(patience_s=0.3, send_buffer_bytes=4096, connections=2), size=(480, 640))
    stage.write()
    with stage.connect(receive_buffer=4096) as first, stage.connect(receive_buffer=4096) as second:
        for client in (first, second):
            client.sendall(b"GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stage.until(lambda: stage.get("/healthz").status == 200)


def test_a_viewer_that_never_reads_does_not_slow_another(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(send_buffer_bytes=4096), size=(480, 640))
    with stage.connect(receive_buffer=4096) as stuck, stage.connect() as client:
        stuck.sendall(STREAM)
        client.sendall(STREAM)
        stage.play(fps=30)
        parts, data = 0, b""
        while parts < 10:
            data += client.recv(65536)
            parts = data.count(b"--edgeseg-frame")


def test_fifty_viewers_that_come_and_vanish_leave_nothing(stage: Any) -> None:
    stage.play(fps=60)
    assert stage.get("/healthz").status in (200, 503)
    files, threads = open_files(), threading.active_count()
    for _ in range(5):
        clients = [stage.connect() for _ in range(10)]
        for number, client in enumerate(clients):
            client.sendall(WATCH if number % 2 else STREAM)
        stage.until(lambda: stage.viewers == 10)
        for number, client in enumerate(clients):
            if number % 3 == 0:  # a broken line instead of a goodbye
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        stage.until(lambda: stage.viewers == 0)
    stage.until(lambda: open_files() <= files)
    assert threading.active_count() == threads
    assert stage.said[1:] == []


def test_more_viewers_than_there_is_room_for_are_told(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(viewers=2))
    with stage.connect() as first, stage.connect() as second:
        first.sendall(WATCH)
        second.sendall(STREAM)
        stage.until(lambda: stage.viewers == 2)
        for path in ("/ws", "/stream.mjpg"):
            reply = stage.get(path)
            assert (reply.status, reply.text) == (503, "2 viewers watch already, and there is room for no more\n")
        assert stage.get("/").status == 200


def test_more_connections_than_there_is_room_for_are_told(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(connections=3))
    clients = [stage.connect() for _ in range(3)]
    stage.until(lambda: stage.get("/healthz").text.startswith("there are too many connections"))
    for client in clients:
        client.close()
    stage.until(lambda: stage.get("/healthz").text == "no frame yet\n")


@pytest.mark.parametrize("start", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_header_that_never_ends_is_cut_off(open_stage: Any, start: bytes) -> None:
    stage = open_stage(limits=Limits(header_s=0.5))
    with stage.connect() as client:
        client.sendall(start)
        stopped = threading.Event()

        def drip() -> None:  # always a little more, so that the line is never idle
            while start and not stopped.wait(0.05):
                try:
                    client.sendall(b"a")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert read_all(client) == b""
        stopped.set()
        dripping.join()


def test_a_second_header_that_never_ends_is_cut_off(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(header_s=0.5))
    with stage.connect() as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHo")
        assert read_all(client).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1000000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: 1\r\n" % i for i in range(1000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no HTTP at all\r\n\r\n",
    ],
    ids=["line", "field", "fields", "tls"],
)
def test_a_huge_or_broken_header_is_refused_and_said_at_most_once(stage: Any, request_head: bytes) -> None:
    for _ in range(3):
        with stage.connect() as client:
            try:
                client.sendall(request_head)
            except OSError:  # cut off before the end
                continue
            assert read_all(client)[:12] in (b"HTTP/1.1 400", b"HTTP/1.0 400", b"")
    said = stage.said[1:]
    assert len(said) <= 1
    assert all(line.isprintable() and len(line) < 200 for line in said)
    assert stage.get("/").status == 200


def test_a_body_that_nobody_wants_is_bounded(stage: Any) -> None:
    stage.controls.recording = False
    with stage.connect() as client:
        client.sendall(b"POST /record?on=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nabc")
        assert b"HTTP/1.1 200" in read_all(client)  # answered, and closed though the body never came


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/snapshot.jpg/../../../etc/passwd",
        "/snapshot.jpg%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page/page.css",
        "//etc/passwd",
        "/server.py",
        "/snapshot.jpg\\..\\x",
        "/snapshot.jpg%00.png",
    ],
)
def test_paths_lead_nowhere_else(stage: Any, path: str) -> None:
    stage.write()
    for _ in range(3):
        reply = stage.get(path)
        assert reply.status == 404
        assert b"root:" not in reply.body
    (line,) = stage.said[1:]
    assert line.startswith("page: 127.0.0.1 asked for ")
    assert line.isprintable()


def test_what_a_visitor_sends_cannot_colour_the_terminal(stage: Any) -> None:
    assert stage.get("/%1b%5b31m%0aroot%0d" + "x" * 1000).status == 404
    (line,) = stage.said[1:]
    assert line.isprintable()
    assert len(line) < 200


def test_troubles_are_said_a_bounded_number_of_times() -> None:
    from edgeseg.sinks.web.once import MOST, Once

    said: list[str] = []
    once = Once(said.append)
    for number in range(10 * MOST):
        once(number, f"trouble {number}")
    assert len(said) == MOST + 1
    assert said[-1] == "page: more troubles with visitors are not shown"
