"""What the tests of several sources need: recordings, a stand-in for a driver, a server of JPEGs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.scene.belt import Belt
from edgeseg.sources import Source
from edgeseg.sources.frame import Frame

SIZE = (48, 64)


@pytest.fixture
def clip(tmp_path: Path) -> Callable[[int], Path]:
    """Write a video of so many frames."""

    def write(frames: int) -> Path:
        path, belt = tmp_path / "clip.avi", Belt(0, SIZE)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, SIZE[::-1])
        for index in range(frames):
            writer.write(belt.frame(index)[0])
        writer.release()
        return path

    return write


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three images, and of something else."""
    path = tmp_path / "pictures"
    path.mkdir()
    for name in ("b", "a", "c"):
        cv2.imwrite(str(path / f"{name}.png"), np.full((*SIZE, 3), ord(name), np.uint8))
    (path / "notes.txt").write_text("not an image")
    return path


@pytest.fixture(scope="session")
def jpegs() -> list[bytes]:
    """Ten frames of the belt as a camera would send them."""
    belt = Belt(0, SIZE)
    return [cv2.imencode(".jpg", belt.frame(index)[0])[1].tobytes() for index in range(10)]


@pytest.fixture
def take() -> Callable[..., list[Frame]]:
    """Take so many frames; fails where they do not come in time."""

    def taken(source: Source, count: int, seconds: float = 10) -> list[Frame]:
        frames, until = [], time.monotonic() + seconds
        for frame in source.frames():
            if frame is not None:
                frames.append(frame)
            if len(frames) == count:
                return frames
            assert time.monotonic() < until, f"{len(frames)} of {count} frames came; the source is '{source.state}'"
        return frames

    return taken


@pytest.fixture
def states() -> Callable[..., list[str]]:
    """Take frames until the source says `word`, or, for '', until it is well again; gives what it said."""

    def followed(source: Source, word: str, seconds: float = 10) -> list[str]:
        said, until = [""], time.monotonic() + seconds
        for frame in source.frames():
            if source.state != said[-1]:
                said.append(source.state)
            if word in said[-1] if word else frame is not None and not said[-1]:
                return said[1:]
            assert time.monotonic() < until, said
        pytest.fail(f"the source ended; it said {said}")

    return followed


class Server:
    """Sends each connection what a script says, in a thread."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        """What was asked, one for each connection."""
        self.script: Callable[[int, socket.socket], None] = lambda number, connection: None
        """Gets the connection's number, from 0, and may send; the connection ends with it."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/stream"
        self.closing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                received = connection.recv(4096)
                if not received:
                    return
                head += received
            number = len(self.heads)
            self.heads.append(head)
            with suppress(OSError):  # the other side has gone
                self.script(number, connection)

    def close(self) -> None:
        self.closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose script the test writes."""
    serving = Server()
    yield serving
    serving.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


@pytest.fixture
def part() -> Callable[[bytes], bytes]:
    """A picture as most cameras send it."""
    return lambda jpeg: b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)


@pytest.fixture
def streaming(server: Server, part: Callable[[bytes], bytes], jpegs: list[bytes]) -> Server:
    """A server that sends ten JPEGs over and over, 50 a second."""

    def script(number: int, connection: socket.socket) -> None:
        connection.sendall(HEAD)
        while not server.closing.is_set():
            for jpeg in jpegs:
                connection.sendall(part(jpeg))
                time.sleep(0.02)

    server.script = script
    return server


class RecordedCamera:
    """Plays frames of the belt through cv2.VideoCapture's interface, as V4L2 would: MJPG raw where it is asked for."""

    def __init__(self, codes: tuple[str, ...] = ("MJPG", "YUYV"), sizes: tuple[tuple[int, int], ...] = (SIZE,)) -> None:
        """`sizes` are (height, width); the first of each is what it gives where it is asked for another."""
        self._codes, self._sizes = codes, sizes
        self._belt = Belt(0, SIZE)
        self._asked: dict[int, float] = {}
        self._index = 0
        self.settings: dict[int, float] = {
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*codes[-1]),
            cv2.CAP_PROP_FPS: 100,
            cv2.CAP_PROP_CONVERT_RGB: 1,
        }
        self.jpeg: Callable[[bytes], bytes] = lambda jpeg: jpeg
        """What becomes of a JPEG on its way."""
        self.reads = True
        self.released = False

    def set(self, what: int, value: float) -> bool:
        self._asked[what] = value
        if what == cv2.CAP_PROP_FOURCC and value not in [cv2.VideoWriter.fourcc(*code) for code in self._codes]:
            return False
        self.settings[what] = value
        return True

    def get(self, what: int) -> float:
        if what in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH):
            asked = (self._asked.get(cv2.CAP_PROP_FRAME_HEIGHT), self._asked.get(cv2.CAP_PROP_FRAME_WIDTH))
            size = asked if asked in self._sizes else self._sizes[0]
            return size[what == cv2.CAP_PROP_FRAME_WIDTH]
        return self.settings[what]

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.01)
        if not self.reads:
            return False, None
        image = self._belt.frame(self._index)[0]
        self._index += 1
        raw = not self.settings[cv2.CAP_PROP_CONVERT_RGB]
        if raw and self.settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG"):
            return True, np.frombuffer(self.jpeg(cv2.imencode(".jpg", image)[1].tobytes()), np.uint8)[None]
        return True, image

    def release(self) -> None:
        self.released = True


@pytest.fixture
def driver() -> type[RecordedCamera]:
    """See RecordedCamera."""
    return RecordedCamera


class RecordedPicamera:
    """Gives arrays as picamera2's manual states them: RGB888 is blue, green, red in memory, BGR888 the reverse."""

    def __init__(self) -> None:
        self.config: dict[str, dict] = {}
        self.calls: list[str] = []
        self.failing: Exception | None = None

    def create_video_configuration(self, main: dict, controls: dict) -> dict[str, dict]:
        width, height = main["size"]
        return {"main": {**main, "size": (width - width % 2, height - height % 2)}, "controls": controls}

    def configure(self, config: dict[str, dict]) -> None:
        self.calls.append("configure")
        self.config = config

    def start(self) -> None:
        if self.failing:
            raise self.failing
        self.calls.append("start")

    def camera_configuration(self) -> dict[str, dict]:
        return self.config

    def capture_array(self, name: str, wait: float) -> np.ndarray:
        if self.failing:
            raise self.failing
        time.sleep(1 / self.config["controls"]["FrameRate"])
        width, height = self.config[name]["size"]
        blue, green, red = 50, 100, 200
        colour = {"RGB888": (blue, green, red), "BGR888": (red, green, blue)}[self.config[name]["format"]]
        return np.full((height, width, 3), colour, np.uint8)

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def picamera2() -> type[RecordedPicamera]:
    """See RecordedPicamera."""
    return RecordedPicamera
