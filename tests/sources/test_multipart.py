"""MJPEG over HTTP, from a server that behaves and from some that do not."""

import base64
import socket
import time
from collections.abc import Callable

import pytest

from edgeseg.errors import DataError, SourceError
from edgeseg.sources import multipart, open_source
from edgeseg.sources.frame import Frame
from edgeseg.sources.multipart import MultipartGrabber, request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def sends(*pieces: bytes, pause: float = 0.0) -> Callable[[int, socket.socket], None]:
    """A script that sends the same to every connection."""

    def script(number: int, connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return script


def grab(url: str, count: int) -> list[bytes | None]:
    grabber = MultipartGrabber(request(url, url))
    try:
        return [grabber.read().jpeg for _ in range(count)]
    finally:
        grabber.close()


def without_length(jpeg: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n"


def bare_newlines(jpeg: bytes) -> bytes:
    return b"--frame\nContent-length: %d\n\n%s\n" % (len(jpeg), jpeg)


def other_dashes(jpeg: bytes) -> bytes:
    return b"\r\n----frame\r\nContent-Length: %d\r\n\r\n%s" % (len(jpeg), jpeg)


def test_jpegs_come_through_untouched(server, jpegs: list[bytes], part: Callable) -> None:
    server.script = sends(HEAD, *map(part, jpegs))
    assert grab(server.url, 10) == jpegs


@pytest.mark.parametrize("written", [without_length, bare_newlines, other_dashes])
def test_cameras_that_write_it_otherwise_are_understood(server, jpegs: list[bytes], written: Callable) -> None:
    server.script = sends(HEAD, b"a preamble\r\n", *map(written, jpegs), b"--frame\r\n")
    assert grab(server.url, 10) == jpegs


def test_pieces_of_any_size_are_put_together(server, jpegs: list[bytes], part: Callable) -> None:
    sent = b"".join(map(part, jpegs[:2]))
    server.script = sends(HEAD, *(sent[at : at + 7] for at in range(0, len(sent), 7)))
    assert grab(server.url, 2) == jpegs[:2]


def test_a_chunked_answer_is_understood(server, jpegs: list[bytes], part: Callable) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    server.script = sends(head, *(b"%x\r\n%s\r\n" % (len(part(jpeg)), part(jpeg)) for jpeg in jpegs))
    assert grab(server.url, 10) == jpegs


def test_a_frame_does_not_wait_for_the_next(server, jpegs: list[bytes], part: Callable) -> None:
    server.script = sends(HEAD, part(jpegs[0]), pause=2)
    grabber = MultipartGrabber(request(server.url, server.url))
    began = time.monotonic()
    assert grabber.read().jpeg == jpegs[0]
    assert time.monotonic() - began < 3  # not only when the connection ended, after 4
    grabber.close()


@pytest.mark.parametrize("wrong", [-200, 200])
def test_after_a_part_with_a_wrong_length_the_next_are_whole_again(server, jpegs: list[bytes], wrong: int) -> None:
    def script(number: int, connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for index, jpeg in enumerate(jpegs):
            length = len(jpeg) + (wrong if index == 2 else 0)
            connection.sendall(b"--frame\r\nContent-Length: %d\r\n\r\n%s\r\n" % (length, jpeg))

    server.script = script
    lost = 1 if wrong > 0 else 0  # the next one's beginning was taken for this one's end
    taken = grab(server.url, 9)
    assert [*taken[:2], *taken[3:]] == [*jpegs[:2], *jpegs[3 + lost : 9 + lost]]
    with pytest.raises(DataError, match="no whole JPEG"):
        _ = Frame(None, "", 0.0, taken[2]).image


def test_a_part_that_is_no_picture_is_left_to_the_loop(server, jpegs: list[bytes], part: Callable) -> None:
    server.script = sends(HEAD, part(jpegs[0]), part(b"error"), part(jpegs[1][:100]), part(jpegs[2]))
    assert grab(server.url, 4) == [jpegs[0], b"error", jpegs[1][:100], jpegs[2]]


def test_a_server_that_goes_and_comes_back_is_followed(server, jpegs: list[bytes], part: Callable, states) -> None:
    def script(number: int, connection: socket.socket) -> None:
        connection.sendall(HEAD if number != 1 else b"HTTP/1.1 503 Busy\r\n\r\n")
        for jpeg in jpegs if number == 0 else jpegs * 50 if number > 1 else []:
            connection.sendall(part(jpeg))
            time.sleep(0.02)

    server.script = script
    source = open_source(server.url)
    assert states(source, "lost")[-1].endswith(": the server ended the stream")
    assert "503 Busy" in states(source, "answers")[-1]
    states(source, "")
    source.close()
    assert len(server.heads) == 3


def too_long(jpegs: list[bytes]) -> bytes:
    return b"--frame\r\nContent-Length: 99999999999\r\n\r\n" + jpegs[0]


def endless(jpegs: list[bytes]) -> bytes:
    return b"--frame\r\n\r\n" + b"\xff" * 300_000


@pytest.mark.parametrize("oversized", [too_long, endless])
def test_an_oversized_part_is_not_kept_and_the_stream_goes_on(
    server, jpegs: list[bytes], part: Callable, oversized: Callable, states, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart, "LARGEST", 200_000)

    def script(number: int, connection: socket.socket) -> None:
        connection.sendall(HEAD + part(jpegs[0]))
        if number == 0:
            connection.sendall(oversized(jpegs))
        while not server.closing.is_set():
            connection.sendall(part(jpegs[1]))
            time.sleep(0.02)

    server.script = script
    source = open_source(server.url)
    assert "a part of more than" in states(source, "lost")[-1]
    states(source, "")
    source.close()


def test_a_server_that_trickles_counts_as_silent(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "SILENCE", 0.5)
    server.script = sends(HEAD, *[b"x"] * 100, pause=0.1)
    grabber = MultipartGrabber(request(server.url, server.url))
    began = time.monotonic()
    with pytest.raises(SourceError, match="sent nothing"):
        grabber.read()
    assert time.monotonic() - began < 5
    grabber.close()


def test_a_server_that_says_nothing_is_given_up(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "SILENCE", 0.5)
    server.script = lambda number, connection: server.closing.wait(5)
    with pytest.raises(SourceError, match=r"timed out|TimeoutError"):
        open_source(server.url)


def test_user_and_password_are_sent_and_never_said(server, streaming, take: Callable) -> None:
    play, wanted = streaming.script, base64.b64encode(b"me:pass word")

    def script(number: int, connection: socket.socket) -> None:
        if b"Authorization: Basic " + wanted in server.heads[number]:
            play(number, connection)
        else:
            connection.sendall(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="cam"\r\nContent-Length: 0\r\n\r\n')

    server.script = script
    source = open_source(server.url.replace("//", "//me:pass%20word@"))
    assert take(source, 2)
    source.close()
    with pytest.raises(SourceError) as refused:
        open_source(server.url.replace("//", "//me:wrong@") + "?token=hidden")
    assert f"http://***@127.0.0.1:{server.port}/stream?***: refused (401)" in str(refused.value)
    assert "wrong" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_camera_that_wants_digests_gets_them(server, streaming, take: Callable) -> None:
    play = streaming.script

    def script(number: int, connection: socket.socket) -> None:
        if b'Authorization: Digest username="me", realm="cam", nonce="n1"' in server.heads[number]:
            play(number, connection)
        else:
            challenge = b'WWW-Authenticate: Digest realm="cam", nonce="n1", qop="auth"'
            connection.sendall(b"HTTP/1.1 401 No\r\n" + challenge + b"\r\nContent-Length: 0\r\n\r\n")

    server.script = script
    source = open_source(server.url.replace("//", "//me:secret@"))
    assert take(source, 1)
    source.close()
    assert not any(b"secret" in head for head in server.heads)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/x", "cannot be reached"),
        ("http://me:se/cret@host/x", "is no address"),
        ("http://me:secret@[::1/x", "is no address"),
    ],
)
def test_what_cannot_be_asked_is_said_without_its_password(url: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as refused:
        open_source(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 503 Bu\x1b[2Jsy\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: a\x1b/b\r\n\r\n"]
)
def test_what_a_server_says_does_not_steer_the_terminal(server, answer: bytes) -> None:
    server.script = sends(answer)
    with pytest.raises(SourceError, match=r"503 Bu\?\[2Jsy|gives a\?/b") as refused:
        open_source(server.url)
    assert str(refused.value).isprintable()
