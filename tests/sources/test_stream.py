"""RTSP from a real server, GStreamer's, and the addresses of streams."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from edgeseg.errors import SourceError
from edgeseg.sources import open_source
from edgeseg.sources.frame import Frame

STANDIN = Path(__file__).parents[1] / "standins" / "rtsp_server.py"
PYTHON = Path("/usr/bin/python3")
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-ugly"
)


class RtspServer:
    """The server as a process, which a test may end, stop and start again under the same address."""

    def __init__(self, encoder: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._encoder = encoder
        self.url = f"rtsp://127.0.0.1:{self._port}/belt"
        self.start()

    def start(self) -> None:
        command = [str(PYTHON), str(STANDIN), str(self._port), self._encoder]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            pytest.skip(f"apt install {PACKAGES}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def rtsp() -> Iterator[Callable[[str], RtspServer]]:
    """Start a server of one encoder."""
    if not PYTHON.exists():
        pytest.skip(f"apt install python3 {PACKAGES}")
    started: list[RtspServer] = []

    def start(encoder: str) -> RtspServer:
        started.append(RtspServer(encoder))
        return started[-1]

    yield start
    for server in started:
        server.process.send_signal(signal.SIGCONT)
        server.kill()


def bars(frame: Frame) -> list[str]:
    """The colours of the three bars, from left to right."""
    height, width = frame.image.shape[:2]
    middles = [frame.image[height // 2, width * place // 6] for place in (1, 3, 5)]
    assert all(max(pixel) > 200 and sorted(pixel)[1] < 60 for pixel in middles), middles
    return [("blue", "green", "red")[int(pixel.argmax())] for pixel in middles]


@pytest.mark.parametrize("encoder", ["mjpg", "h264"])
def test_frames_of_an_rtsp_server_come_with_the_right_colours(encoder: str, rtsp: Callable, take: Callable) -> None:
    source = open_source(rtsp(encoder).url)
    frames = take(source, 5)
    source.close()
    assert [bars(frame) for frame in frames] == [["blue", "green", "red"]] * 5
    assert frames[0].image.shape == (96, 144, 3)
    assert source.fps == 15


def test_a_server_that_dies_and_comes_back_is_followed(rtsp: Callable, take: Callable, states: Callable) -> None:
    server = rtsp("mjpg")
    source = open_source(server.url)
    take(source, 2)
    server.kill()
    states(source, "lost")
    server.start()
    states(source, "", 20)
    assert bars(take(source, 1)[0]) == ["blue", "green", "red"]
    source.close()


def test_a_stream_that_stalls_without_closing_is_told_and_goes_on(
    rtsp: Callable, take: Callable, states: Callable
) -> None:
    server = rtsp("mjpg")
    source = open_source(server.url)
    take(source, 2)
    server.process.send_signal(signal.SIGSTOP)
    assert states(source, "silent")[-1] == "silent for 1 s"
    server.process.send_signal(signal.SIGCONT)
    states(source, "", 20)
    source.close()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["mjpg", "h264"])
def test_a_stream_that_stalls_for_long_is_opened_again(
    encoder: str, rtsp: Callable, take: Callable, states: Callable
) -> None:
    server = rtsp(encoder)
    source = open_source(server.url)
    take(source, 2)
    server.process.send_signal(signal.SIGSTOP)
    states(source, "lost", 30)
    server.kill()
    server.start()
    states(source, "", 40)
    source.close()


def test_an_rtsp_address_where_nothing_answers_is_refused_without_its_password(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SourceError, match=r"rtsp://\*\*\*@127.0.0.1:1/x: no stream can be had there"):
        open_source("rtsp://me:secret@127.0.0.1:1/x")
    assert "secret" not in "".join(capfd.readouterr())


def test_ffmpegs_options_are_set_for_streams_alone(rtsp: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    monkeypatch.delenv(name, raising=False)
    open_source(rtsp("mjpg").url).close()
    assert name not in os.environ


def test_an_answer_that_is_no_stream_is_named(server) -> None:
    server.script = lambda number, connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    with pytest.raises(SourceError, match="gives text/html, which is no stream of pictures"):
        open_source(server.url)


def test_a_video_on_a_server_plays_at_its_own_rate_and_ends(server, clip: Callable[[int], Path]) -> None:
    video = clip(8).read_bytes()

    def script(number: int, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: video/x-msvideo\r\nContent-Length: {len(video)}\r\n\r\n"
        connection.sendall(head.encode() + video)

    server.script = script
    source = open_source(server.url)
    assert source.fps == 10
    names = [frame.name for frame in source.frames() if frame is not None]
    source.close()
    assert names == [f"{index:06d}" for index in range(8)]


def test_cv2_has_what_rtsp_needs() -> None:
    assert cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
