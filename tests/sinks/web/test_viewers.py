"""What viewers get, and what that costs the loop."""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from edgeseg.errors import OutputError
from edgeseg.sinks.web.limits import Limits

Watch = Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]


def watch(stage: Any, act: Watch) -> None:
    """Run `act` with an open page."""

    async def run() -> None:
        url = f"http://127.0.0.1:{stage.sink.port}/ws"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await asyncio.wait_for(act(socket), 10)

    asyncio.run(run())


def header(message: bytes) -> Any:
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length])


async def next_picture(socket: aiohttp.ClientWebSocketResponse, answer: bool = True) -> bytes:
    """The next binary message; texts are answered on the way."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            if answer:
                await socket.send_str("seen")
            return bytes(message.data)
        await socket.send_str("here")
    raise AssertionError("the page closed the connection")


def test_without_a_viewer_nothing_is_encoded(stage: Any) -> None:
    stage.get("/")
    for _ in range(50):
        stage.write()
    stage.get("/stats.json")
    assert stage.sink.encoded == 0
    stage.get("/snapshot.jpg")
    assert stage.sink.encoded == 1


def test_a_page_is_greeted_and_told_the_figures_then_shown_the_picture(stage: Any) -> None:
    frame = stage.write(jpeg=True).frame

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        hello, figures = await socket.receive_json(), await socket.receive_json()
        assert (hello["kind"], figures["kind"]) == ("hello", "figures")
        assert hello["classes"][1]["name"] == "washer"
        assert figures["recent_fps"] == 20
        message = await next_picture(socket)
        assert header(message)["index"] == 0
        assert frame.jpeg in message

    watch(stage, act)
    assert stage.sink.encoded == 1  # the message; the picture came encoded


def test_figures_come_even_when_frames_do_not(stage: Any) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.receive_json()
        for _ in range(3):
            figures = await socket.receive_json()
            assert figures["kind"] == "figures"
            assert figures["idle_s"] is None
            assert figures["stale"] is True

    watch(stage, act)


def test_a_slow_page_gets_the_newest_frame_next(open_stage: Any) -> None:
    stage = open_stage(uri="http://127.0.0.1:0?fps=100")
    stage.write()

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        first = await next_picture(socket, answer=False)
        assert header(first)["index"] == 0
        stage.write()
        assert header(await next_picture(socket, answer=False))["index"] == 1
        for _ in range(10):
            stage.write()
            await asyncio.sleep(0.02)
        await socket.send_str("seen")
        assert header(await next_picture(socket))["index"] == 11

    watch(stage, act)


def test_each_picture_is_encoded_once_for_all_viewers(open_stage: Any) -> None:
    stage = open_stage(uri="http://127.0.0.1:0?fps=100")

    async def run() -> None:
        url = f"http://127.0.0.1:{stage.sink.port}/ws"
        async with aiohttp.ClientSession() as session:
            sockets = [await session.ws_connect(url) for _ in range(5)]
            for number in range(6):
                stage.write()
                messages = await asyncio.gather(*map(next_picture, sockets))
                assert {header(message)["index"] for message in messages} == {number}
            for socket in sockets:
                await socket.close()

    asyncio.run(run())
    assert stage.sink.encoded == 12  # a JPEG and a message for each frame


def test_pictures_come_no_faster_than_asked_for(open_stage: Any) -> None:
    stage = open_stage(uri="http://127.0.0.1:0?fps=5")
    stage.play(fps=100)

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        await next_picture(socket)
        began = time.monotonic()
        for _ in range(3):
            await next_picture(socket)
        assert time.monotonic() - began > 0.5  # three periods are 0.6 s

    watch(stage, act)


def test_a_page_that_comes_back_sees_the_last_frame_at_once(stage: Any) -> None:
    stage.write()

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        assert header(await next_picture(socket))["index"] == 0

    watch(stage, act)
    watch(stage, act)


def test_a_page_that_answers_nothing_is_dropped(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(patience_s=0.3))

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        while not socket.closed:
            await socket.receive()

    watch(stage, act)
    stage.until(lambda: stage.viewers == 0)


def test_closing_says_goodbye_to_the_page(stage: Any) -> None:
    stage.write()

    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        await next_picture(socket)
        closing = asyncio.get_running_loop().run_in_executor(None, stage.sink.close, True)
        while not socket.closed:
            await socket.receive()
        assert socket.close_code == 1001
        await closing

    watch(stage, act)
    assert not stage.sink._thread.is_alive()


def test_closing_does_not_wait_for_a_viewer_that_never_reads(open_stage: Any) -> None:
    stage = open_stage(limits=Limits(send_buffer_bytes=4096), size=(480, 640))
    stage.play()
    clients = [stage.connect(receive_buffer=4096) for _ in range(4)]
    for client, path in zip(clients, ("/ws", "/stream.mjpg", "/snapshot.jpg", ""), strict=True):
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        upgrade += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade if path == '/ws' else ''}\r\n".encode())
    stage.until(lambda: stage.viewers == 2)
    time.sleep(0.3)
    stage.stop()
    stage.sink.close(True)
    assert not stage.sink._thread.is_alive()
    for client in clients:
        client.close()


def test_closing_frees_the_port(open_stage: Any) -> None:
    first = open_stage()
    first.get("/")
    first.sink.close(True)
    second = open_stage(uri=f"http://127.0.0.1:{first.sink.port}")
    assert second.get("/").status == 200


def test_closing_at_once_ends_the_thread(open_stage: Any) -> None:
    stage = open_stage()
    stage.sink.close(True)
    stage.sink._thread.join(5)  # the server may still have been loading
    assert not stage.sink._thread.is_alive()


def test_a_server_that_broke_down_is_said_once_and_reported_to_the_loop(stage: Any) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.receive_json()
        stage.stats = None  # a loop that breaks its word
        while not socket.closed:
            await socket.receive()

    watch(stage, act)
    stage.sink._thread.join(5)
    ending = "page: its server has ended (AttributeError: 'NoneType' object has no attribute"
    assert sum(line.startswith(ending) for line in stage.said) == 1
    with pytest.raises(OutputError, match=r"the page's server has ended \(AttributeError: 'NoneType' object"):
        stage.write()


def test_a_page_whose_libraries_are_broken_says_so_and_frees_its_port(
    open_stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edgeseg.sinks.web.server", None)  # what imports it now gets an ImportError
    first = open_stage()
    first.sink._thread.join(5)
    with pytest.raises(OutputError, match=r"server has ended \(ModuleNotFoundError: import of .* halted"):
        first.write()
    assert len(first.said) == 2
    with pytest.raises(OutputError, match=r"cannot be loaded \(ModuleNotFoundError"):  # and not that it is well again
        open_stage(uri=f"http://127.0.0.1:{first.sink.port}")
    monkeypatch.undo()
    assert open_stage(uri=f"http://127.0.0.1:{first.sink.port}").get("/").status == 200


def test_the_page_outlives_the_terminal(open_stage: Any) -> None:
    stage = open_stage(terminal=False)
    assert stage.get("/nothing").status == 404  # which would be said
    stage.write()
    assert stage.get("/healthz").status == 200
    stage.stats = None
    assert stage.get("/healthz").status == 500  # which the server's library logs
    stage.sink.close(True)
    assert not stage.sink._thread.is_alive()
