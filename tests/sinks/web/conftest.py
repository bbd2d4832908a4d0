"""A page that a test feeds, and ways to look at it."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import pytest

from edgeseg.labels import Labels
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES, COLORS
from edgeseg.sinks.sink import Controls, LoopInfo, Segmented
from edgeseg.sinks.web.limits import Limits
from edgeseg.sinks.web.sink import WebSink
from edgeseg.sources.frame import Frame
from edgeseg.stats import LiveStats

MAP_SIZE = (120, 160)
STATS = LiveStats(
    frames=100, seconds=5, invoke_ms=2.5, overhead_ms=0.5, dropped=3, areas={"belt": 1.0}, model="belt.tflite",
    miou=0.873, scheme="int8", recent_fps=20.0, age_ms=9.0, areas_now={"belt": 0.9, "nut": 0.1}, temperature_c=51.5,
)  # fmt: skip


@dataclass
class Stage:
    """An open page, what it said, and the loop that the test plays."""

    limits: Limits = field(default_factory=Limits)
    uri: str = "http://127.0.0.1:0"
    token: str | None = None
    controls: Controls = field(default_factory=Controls)
    stats: LiveStats = STATS
    size: tuple[int, int] = (96, 128)
    said: list[str] = field(default_factory=list)
    terminal: bool = True
    """False: it has gone, and nothing can be said."""
    asked: int = 0
    """Times that the loop's figures were asked for."""
    written: int = 0

    def __post_init__(self) -> None:
        loop = LoopInfo(
            Labels.from_names(CLASSES, COLORS), 30, True, model="first.tflite",
            token=self.token, stats=self.figures, say=self.say, controls=self.controls,
        )  # fmt: skip
        self.sink = WebSink(self.uri, loop, self.limits)
        self._belt: list[tuple[Any, Any, bytes]] = []
        self._playing: threading.Event | None = None
        self._player: threading.Thread | None = None

    def figures(self) -> LiveStats:
        """As the loop gives them."""
        self.asked += 1
        return self.stats

    def say(self, text: str) -> None:
        """As the loop says it."""
        if not self.terminal:
            raise BrokenPipeError("the terminal has gone")
        self.said.append(text)

    def segmented(self, jpeg: bool = False, size: tuple[int, int] | None = None) -> Segmented:
        """The next frame of the belt."""
        picture, mask, encoded = belt(size or self.size)[self.written % 20]
        frame = Frame(picture, f"{self.written:06d}", time.monotonic(), encoded if jpeg else None)
        label_map = cv2.resize(mask, MAP_SIZE[::-1], interpolation=cv2.INTER_NEAREST)
        return Segmented(frame, np.asarray(label_map, np.uint8), self.written, 2.5, 9.0)

    def write(self, jpeg: bool = False, size: tuple[int, int] | None = None) -> Segmented:
        """Write the next frame."""
        segmented = self.segmented(jpeg, size)
        self.sink.write(segmented)
        self.written += 1
        return segmented

    def play(self, fps: float = 20, size: tuple[int, int] | None = None) -> None:
        """Write frames from a thread, until `stop`."""
        self.stop()
        self._playing = playing = threading.Event()

        def write() -> None:
            while not playing.wait(1 / fps):
                self.write(size=size)

        self._player = threading.Thread(target=write, daemon=True)
        self._player.start()

    def stop(self) -> None:
        """Play no more."""
        if self._playing is not None and self._player is not None:
            self._playing.set()
            self._player.join()

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Ask once; header names have _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.sink.port, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        reply = Reply(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return reply

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """A bare connection."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(10)
        client.connect(("127.0.0.1", self.sink.port))
        return client

    @property
    def viewers(self) -> int:
        """Who watches, as the page itself says."""
        return int(self.get("/stats.json", Authorization=f"Bearer {self.sink.token}").json()["viewers"])

    def until(self, happened: Callable[[], bool], seconds: float = 8) -> None:
        """Wait; fails where it does not come."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, "did not happen"
            time.sleep(0.02)

    def tell(self, **changes: Any) -> None:
        """Change the loop's figures."""
        self.stats = replace(self.stats, **changes)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


_FRAMES: dict[tuple[int, int], list[tuple[Any, Any, bytes]]] = {}


def belt(size: tuple[int, int]) -> list[tuple[Any, Any, bytes]]:
    """Twenty frames, rendered once."""
    if size not in _FRAMES:
        scene = Belt(2026, size)
        shots = [scene.frame(4 * i) for i in range(20)]
        _FRAMES[size] = [(shot, mask, cv2.imencode(".jpg", shot)[1].tobytes()) for shot, mask in shots]
    return _FRAMES[size]


@pytest.fixture
def open_stage() -> Iterator[Callable[..., Stage]]:
    """Opens pages, and closes them after the test."""
    stages: list[Stage] = []

    def make(**options: Any) -> Stage:
        stages.append(Stage(**options))
        return stages[-1]

    yield make
    for stage in stages:
        stage.stop()
        stage.sink.close(True)


@pytest.fixture
def stage(open_stage: Callable[..., Stage]) -> Stage:
    """A page on loopback with usual limits."""
    return open_stage()


@dataclass(frozen=True)
class Look:
    """A page in a browser."""

    page: Any

    def seen(self) -> Look:
        """Wait for the first picture, which may have become stale since."""
        self.page.wait_for_selector('#state:not([data-state="waiting"])')
        return self

    def wait(self, condition: str, seconds: float = 8) -> None:
        """Until `condition`, in JavaScript, holds; the browser's own way to wait is against the page's policy."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            self.page.wait_for_timeout(20)

    def pixels(self) -> Any:
        """What the canvas shows, RGB HxWx3."""
        data = base64.b64decode(self.page.evaluate("picture.toDataURL()").partition(",")[2])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]

    def painted(self, class_id: int) -> int:
        """Pixels in exactly the colour of a class."""
        return int((self.pixels() == np.array(COLORS[class_id], np.uint8)).all(axis=2).sum())

    def set_opacity(self, percent: int) -> None:
        """Move the slider."""
        self.page.locator("#opacity").fill(str(percent))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; no longer than a module, since its event loop is in the way of others."""
    playwright = pytest.importorskip("playwright.sync_api", reason="install it with  pip install playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; install it with  sudo apt install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., Look]]:
    """Opens a page of a stage; whatever its console says fails the test."""
    contexts, said = [], []

    def look(stage: Stage, path: str = "/", **context: Any) -> Look:
        contexts.append(browser.new_context(**{"viewport": {"width": 1100, "height": 700}} | context))
        page = contexts[-1].new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"http://127.0.0.1:{stage.sink.port}{path}")
        return Look(page)

    yield look
    for context in contexts:
        context.close()
    lost = re.compile("WebSocket connection to .* failed|Failed to load resource: net::ERR_CONNECTION_REFUSED")
    assert [text for text in said if not lost.search(text)] == []
