"""Who is let in, and who is not."""

from typing import Any

import pytest

WATCH = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
WATCH["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture
def closed(open_stage: Any) -> Any:
    """A page that wants a token."""
    stage = open_stage(uri="http://0.0.0.0:0", token="s3cret ü")
    stage.write()
    return stage


PATHS = ["/", "/page.js", "/ws", "/stream.mjpg", "/snapshot.jpg", "/mask.png", "/stats.json", "/metrics", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_shown(closed: Any, path: str) -> None:
    reply = closed.get(path)
    assert reply.status == 401
    assert reply.text.count("\n") == 1
    assert "?token=" in reply.text


def test_recording_needs_the_token(closed: Any) -> None:
    closed.controls.recording = False
    assert closed.get("/record?on=1", "POST").status == 401
    assert closed.controls.recording is False


def test_health_needs_no_token(closed: Any) -> None:
    assert closed.get("/healthz").status == 200


def test_health_tells_strangers_no_reasons(open_stage: Any) -> None:
    stage = open_stage(uri="http://0.0.0.0:0", token="s3cret")
    stage.tell(source="rtsp://192.168.0.20 lost")
    strangers = ({}, {"Authorization": "Bearer wrong"})
    assert {stage.get("/healthz", **headers).text for headers in strangers} == {"no frame yet\n"}
    assert stage.get("/healthz?token=s3cret").text == "no frame yet: rtsp://192.168.0.20 lost\n"
    stage.write()
    stage.until(lambda: stage.get("/healthz").status == 503)
    assert {stage.get("/healthz", **headers).text for headers in strangers} == {"stale\n"}
    assert "rtsp://192.168.0.20 lost" in stage.get("/healthz", Authorization="Bearer s3cret").text
    assert not any("refused" in line for line in stage.said)


def test_the_token_opens_by_address_and_by_header(closed: Any) -> None:
    assert closed.get("/snapshot.jpg?token=s3cret%20%C3%BC").status == 200
    assert closed.get("/stats.json", Authorization="Bearer s3cret \u00fc".encode().decode("latin-1")).status == 200
    assert closed.get("/stats.json", Authorization="Bearer wrong").status == 401
    assert closed.get("/stats.json", Authorization="Basic s3cret").status == 401


def test_the_link_gives_a_cookie_and_a_clean_address(closed: Any) -> None:
    link = closed.said[0].removeprefix("page: ")
    reply = closed.get(link[link.index("/?") :])
    assert 'content="0;url=/"' in reply.text
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "s3cret" not in cookie
    page = closed.get("/", Cookie=cookie.partition(";")[0])
    assert "<canvas" in page.text
    assert closed.get("/", Cookie=cookie.partition(";")[0][:-1] + "!").status == 401


def test_a_wrong_token_is_said_once_for_each_peer(closed: Any) -> None:
    for number in range(5):
        assert closed.get(f"/?token=wrong{number}").status == 401
    assert [line for line in closed.said if "refused" in line] == [
        "page: 127.0.0.1 was refused: the token is missing or wrong; open the link that edgeseg printed, which ends "
        "in ?token=…"
    ]


def test_a_token_that_is_asked_for_on_loopback_is_kept_to(open_stage: Any) -> None:
    stage = open_stage(token="mine")
    assert stage.get("/stats.json").status == 401
    assert stage.said[0].endswith("/?token=mine")


def test_a_token_that_was_given_is_in_no_journal(open_stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "9:1")
    stage = open_stage(token="mine")
    assert stage.said[0].endswith("/?token=…")
    assert stage.get("/stats.json?token=mine").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "["])
def test_another_name_for_loopback_is_refused(stage: Any, host: str) -> None:
    reply = stage.get("/stats.json", Host=host)
    assert reply.status == 403
    assert "does not answer to the name" in reply.text


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:8080"])
def test_a_forwarded_port_is_let_in(stage: Any, host: str) -> None:
    assert stage.get("/stats.json", Host=host).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_sites_script_neither_watches_nor_presses(stage: Any, origin: str) -> None:
    stage.controls.recording = False
    assert stage.get("/record?on=1", "POST", Origin=origin).status == 403
    assert stage.controls.recording is False
    assert stage.get("/ws", Origin=origin, **WATCH).status == 403


def test_the_pages_own_script_may(stage: Any) -> None:
    stage.controls.recording = False
    assert stage.get("/record?on=1", "POST", Origin=f"http://127.0.0.1:{stage.sink.port}").status == 200
