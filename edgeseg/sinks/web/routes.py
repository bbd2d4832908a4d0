"""What the page's address answers, path by path.

`/snapshot.jpg` and `/mask.png` answer 503 when frames have stopped, so that a script that
checks no more than the status takes no old picture for the present; `?stale=1` asks for the
last one all the same. Either answer then has `X-Edgeseg-Stale` with its age in seconds, and
so have the stream's parts, which go on once a second in grey with the age written in them.
Stale is what is older than 1.5 s and than three periods of the loop: of one that does two
frames a second or more, everybody hears within two seconds of the last frame.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from edgeseg.errors import DataError
from edgeseg.sinks.web.guard import hang_up
from edgeseg.sinks.web.hub import Hub
from edgeseg.sinks.web.limits import Limits
from edgeseg.sinks.web.pagefiles import PageFile
from edgeseg.sinks.web.picture import Encoder, Picture
from edgeseg.sinks.web.prometheus import CONTENT_TYPE, metrics
from edgeseg.sinks.web.slot import Slot
from edgeseg.sinks.web.status import Status
from edgeseg.sinks.web.viewer import Viewer
from edgeseg.sinks.web.wire import SEEN
from edgeseg.version import __version__

BOUNDARY = "edgeseg-frame"
STALE = "X-Edgeseg-Stale"
"""Seconds since the last frame; absent while frames come."""
AHEAD = 2
"""Pictures on their way to a page: one to be shown while the next one travels."""
FAREWELL_S = 0.2
"""For a page to answer that it is over."""


@dataclass(frozen=True)
class Routes:
    """The handlers, and what they have in common."""

    slot: Slot
    encoder: Encoder
    status: Status
    hub: Hub
    limits: Limits
    page: dict[str, PageFile]
    trusts: Callable[[web.Request], bool]
    """See `Guard`."""

    def table(self) -> list[web.RouteDef]:
        """All that is served; nothing else exists."""
        return [
            *(web.get(path, self.page_file) for path in self.page),
            web.get("/favicon.ico", self.nothing),
            web.get("/ws", self.watch, allow_head=False),
            web.get("/stream.mjpg", self.stream, allow_head=False),
            web.get("/snapshot.jpg", self.snapshot),
            web.get("/mask.png", self.mask),
            web.get("/stats.json", self.stats),
            web.get("/metrics", self.metrics),
            web.get("/healthz", self.health),
            web.post("/record", self.record),
        ]

    async def page_file(self, request: web.Request) -> web.Response:
        """The page and its parts."""
        file = self.page[request.path]
        return web.Response(body=file.body, content_type=file.content_type, charset="utf-8")

    async def nothing(self, request: web.Request) -> web.Response:
        """The page brings its own icon; browsers ask for one all the same when they are shown a bare picture."""
        return web.Response(status=204)

    async def watch(self, request: web.Request) -> web.WebSocketResponse:
        """Messages as `wire` has them; a page that answers none for long is dropped."""
        self._check_room()
        socket = web.WebSocketResponse(compress=False, max_msg_size=256, timeout=FAREWELL_S)
        with self.hub.watching(Viewer(overlay=False, ahead=AHEAD)) as viewer:
            await socket.prepare(request)
            answers = asyncio.create_task(self._take_answers(request, socket, viewer))
            try:
                with suppress(ConnectionError):
                    await socket.send_str(json.dumps({"kind": "hello"} | self.status.hello()))
                    await socket.send_str(self.hub.figures())
                    while (item := await viewer.next()) is not None:
                        await (socket.send_str(item) if isinstance(item, str) else socket.send_bytes(item))
                    await socket.close(code=WSCloseCode.GOING_AWAY, message=b"ended")
            finally:
                answers.cancel()
        return socket

    async def _take_answers(self, request: web.Request, socket: web.WebSocketResponse, viewer: Viewer) -> None:
        try:
            while (message := await socket.receive(self.limits.patience_s)).type is WSMsgType.TEXT:
                if message.data == SEEN:
                    viewer.seen()
                    self.hub.poke()
        except TimeoutError:
            hang_up(request)
        finally:
            viewer.end()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The overlay as MJPEG, for whatever shows an address as a picture."""
        self._check_room()
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
        response.force_close()
        with self.hub.watching(Viewer(overlay=True, ahead=1)) as viewer:
            await response.prepare(request)
            with suppress(ConnectionError):
                while isinstance(item := await viewer.next(), bytes):
                    part = _part(item, self.status.stale_s)
                    try:
                        async with asyncio.timeout(self.limits.patience_s):
                            await response.write(part)
                    except TimeoutError:
                        hang_up(request)
                        break
                    viewer.seen()
                    self.hub.poke()
        return response

    async def snapshot(self, request: web.Request) -> web.Response:
        """The newest picture, as the camera gave it or with its overlay."""
        picture, about = self._picture(request)
        try:
            body = picture.overlay if _wants(request, "overlay") else picture.jpeg
        except DataError as error:
            raise _unavailable(str(error)) from error
        return web.Response(body=body, content_type="image/jpeg", headers=about)

    async def mask(self, request: web.Request) -> web.Response:
        """The newest mask."""
        picture, about = self._picture(request)
        try:
            return web.Response(body=picture.mask, content_type="image/png", headers=about)
        except DataError as error:
            raise _unavailable(str(error)) from error

    async def stats(self, request: web.Request) -> web.Response:
        """All figures."""
        return web.json_response(self.status.hello() | self.status.figures(len(self.hub.viewers)))

    async def metrics(self, request: web.Request) -> web.Response:
        """The same for Prometheus."""
        stats, labels = self.status.loop.stats(), self.status.loop.labels
        classes = (labels.names[i] for i in labels.counted)
        text = metrics(stats, classes, bool(self.status.trouble(stats)), len(self.hub.viewers), __version__)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def health(self, request: web.Request) -> web.Response:
        """200 while frames come; why they do not is said to those who may see them."""
        trouble = self.status.trouble(self.status.loop.stats())
        if not trouble:
            return web.Response(text="ok\n")
        if not self.trusts(request):
            trouble = "no frame yet" if self.slot.newest is None else "stale"
        raise _unavailable(trouble)

    async def record(self, request: web.Request) -> web.Response:
        """Switch the recording on (`?on=1`) or off (`?on=0`), however it was."""
        controls = self.status.loop.controls
        if controls.recording is None:
            raise web.HTTPConflict(text="there is nothing to record to; start with --out record:DIR\n")
        on = request.query.get("on")
        if on not in ("0", "1"):
            raise web.HTTPBadRequest(text="say what you want: POST /record?on=1 records, /record?on=0 stops\n")
        controls.recording = on == "1"
        return web.json_response({"recording": controls.recording})

    def _check_room(self) -> None:
        if len(self.hub.viewers) >= self.limits.viewers:
            raise _unavailable(f"{self.limits.viewers} viewers watch already, and there is room for no more")

    def _picture(self, request: web.Request) -> tuple[Picture, dict[str, str]]:
        """With the headers that say which one it is."""
        newest, stale_s = self.slot.newest, self.status.stale_s
        if newest is None:
            raise _unavailable("no frame yet; try again in a moment")
        about = {"X-Frame-Index": str(newest.index)}
        if stale_s is not None:
            about[STALE] = f"{stale_s:.1f}"
            if not _wants(request, "stale"):
                trouble = self.status.trouble(self.status.loop.stats())
                raise _unavailable(f"{trouble}; add stale=1 to the address for the last one", about)
        return (self.encoder.picture(newest) if self.hub.viewers else Picture(newest, self.encoder)), about


def _part(jpeg: bytes, stale_s: float | None) -> bytes:
    """Of the stream. A stale one twice: browsers show a picture when the next one begins, which would be a second."""
    about = "" if stale_s is None else f"{STALE}: {stale_s:.1f}\r\n"
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n{about}\r\n"
    return b"".join((head.encode(), jpeg, b"\r\n")) * (1 if stale_s is None else 2)


def _wants(request: web.Request, name: str) -> bool:
    return request.query.get(name, "0") not in ("0", "")


def _unavailable(text: str, about: dict[str, str] | None = None) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(text=text + "\n", headers={"Retry-After": "2"} | (about or {}))
