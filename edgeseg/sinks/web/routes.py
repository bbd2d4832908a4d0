"""What the page's address answers, path by path."""

from __future__ import annotations

import asyncio
import json
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
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(item)}\r\n\r\n"
                    try:
                        async with asyncio.timeout(self.limits.patience_s):
                            await response.write(b"".join((head.encode(), item, b"\r\n")))
                    except TimeoutError:
                        hang_up(request)
                        break
                    viewer.seen()
                    self.hub.poke()
        return response

    async def snapshot(self, request: web.Request) -> web.Response:
        """The newest picture, as the camera gave it or with its overlay."""
        picture = self._picture()
        try:
            body = picture.overlay if request.query.get("overlay", "0") not in ("0", "") else picture.jpeg
        except DataError as error:
            raise _unavailable(str(error)) from error
        return web.Response(body=body, content_type="image/jpeg", headers=_about(picture))

    async def mask(self, request: web.Request) -> web.Response:
        """The newest mask."""
        picture = self._picture()
        try:
            return web.Response(body=picture.mask, content_type="image/png", headers=_about(picture))
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
        """200 while frames come."""
        if trouble := self.status.trouble(self.status.loop.stats()):
            raise _unavailable(trouble)
        return web.Response(text="ok\n")

    async def record(self, request: web.Request) -> web.Response:
        """Switch the recording on or off."""
        controls = self.status.loop.controls
        if controls.recording is None:
            raise web.HTTPConflict(text="there is nothing to record to; start with --out record:DIR\n")
        controls.recording = not controls.recording
        return web.json_response({"recording": controls.recording})

    def _check_room(self) -> None:
        if len(self.hub.viewers) >= self.limits.viewers:
            raise _unavailable(f"{self.limits.viewers} viewers watch already, and there is room for no more")

    def _picture(self) -> Picture:
        newest = self.slot.newest
        if newest is None:
            raise _unavailable("no frame yet; try again in a moment")
        return self.encoder.picture(newest) if self.hub.viewers else Picture(newest, self.encoder)


def _unavailable(text: str) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(text=text + "\n", headers={"Retry-After": "2"})


def _about(picture: Picture) -> dict[str, str]:
    return {"X-Frame-Index": str(picture.segmented.index)}
