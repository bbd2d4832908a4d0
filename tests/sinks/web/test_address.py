"""What address a page takes, and what it says when it cannot have it."""

import socket
from typing import Any

import pytest

from edgeseg.errors import OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.sinks.sink import LoopInfo
from edgeseg.sinks.web import accepts, open
from edgeseg.sinks.web.address import Address, bracketed, is_loopback, reachable_host

LOOP = LoopInfo(Labels.numbered(2), 10, True)


def test_http_addresses_are_taken_and_nothing_else() -> None:
    assert accepts("http://127.0.0.1:8080")
    assert not accepts("https://127.0.0.1")
    assert not accepts("out.mp4")


def test_the_port_and_the_rate_have_defaults() -> None:
    assert Address.parse("http://localhost") == Address("http://localhost", "localhost", 8080, 15.0)
    assert Address.parse("http://[::1]:9000/?fps=2.5") == Address("http://[::1]:9000/?fps=2.5", "::1", 9000, 2.5)


@pytest.mark.parametrize(
    "uri", ["http://", "http://:8080", "http://host/path", "http://h:99999", "http://h?fps=0", "http://h?fps=x", "http://h?size=3"]
)  # fmt: skip
def test_what_is_no_address_is_refused_with_an_example(uri: str) -> None:
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:8080|knows fps|between 0 and 240"):
        open(uri, LOOP)


def test_a_taken_port_names_the_next_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutputError, match=rf"port {port} is taken.*--out http://127\.0\.0\.1:{port % 65535 + 1}"):
            open(f"http://127.0.0.1:{port}", LOOP)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OutputError, match=r"no address of this machine; write 127\.0\.0\.1, or 0\.0\.0\.0"):
        open("http://192.0.2.1:0", LOOP)


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(OutputError, match="nobody knows the host"):
        open("http://no-such-host.invalid:0", LOOP)


def test_loopback_is_known_by_name_and_number() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.5", "::", "example.org", "localhost.example.org")))


def test_all_addresses_are_shown_as_one_that_can_be_opened() -> None:
    assert reachable_host("0.0.0.0") != "0.0.0.0"
    assert reachable_host("10.1.2.3") == "10.1.2.3"
    assert bracketed("::1") == "[::1]"


def test_on_loopback_a_link_without_token_is_said(stage: Any) -> None:
    assert stage.said == [f"page: http://127.0.0.1:{stage.sink.port}"]


def test_elsewhere_a_token_is_made_and_said(open_stage: Any) -> None:
    first, second = (open_stage(uri="http://0.0.0.0:0") for _ in range(2))
    assert first.said[0].endswith(f":{first.sink.port}/?token={first.sink.token}")
    assert first.sink.token != second.sink.token
    assert len(first.sink.token) >= 20
