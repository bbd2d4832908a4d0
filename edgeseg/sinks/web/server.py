"""The server behind the page's address, from its start to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from edgeseg.sinks.web.guard import Guard, add_headers, patient
from edgeseg.sinks.web.hub import Hub
from edgeseg.sinks.web.limits import Limits
from edgeseg.sinks.web.once import Once
from edgeseg.sinks.web.pagefiles import read_page
from edgeseg.sinks.web.picture import Encoder
from edgeseg.sinks.web.routes import Routes
from edgeseg.sinks.web.slot import Slot
from edgeseg.sinks.web.status import Status

GRACE_S = 0.2
"""For requests to finish when the server ends; twice in all."""
LINGER_S = 1.0
"""For a body to come in that nobody wants."""
FULL = b"there are too many connections to this page; try again later\n"
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(FULL), FULL)
)


@dataclass(frozen=True)
class Plan:
    """What a server is to serve."""

    listening: socket.socket
    slot: Slot
    encoder: Encoder
    status: Status
    fps: float
    limits: Limits
    token: str | None
    loopback_host: str | None
    """See `Guard`."""
    once: Once


def run(plan: Plan, on_start: Callable[[Callable[[], object]], None]) -> None:
    """Serve until the function that `on_start` gets is called, which any thread may do."""
    with plan.once.listening():
        asyncio.run(_serve(plan, on_start))


async def _serve(plan: Plan, on_start: Callable[[Callable[[], object]], None]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(lambda _, context: _say(plan.once, context))
    hub = Hub(plan.slot, plan.encoder, plan.status, plan.fps)
    runner = web.AppRunner(
        _application(plan, hub),
        access_log=None,
        keepalive_timeout=plan.limits.header_s,  # also closes who never finishes a header
        lingering_time=LINGER_S,
        max_line_size=plan.limits.header_bytes,
        max_field_size=plan.limits.header_bytes,
        max_headers=plan.limits.header_fields,
        shutdown_timeout=GRACE_S,
    )
    await runner.setup()
    assert runner.server is not None
    server = await loop.create_server(_bounded(runner.server, plan.limits.connections), sock=plan.listening)
    plan.slot.tell(_from_any_thread(loop, hub.poke))
    on_start(_from_any_thread(loop, stop.set))
    try:
        async with asyncio.TaskGroup() as group:  # should one break down, all end, and the loop starts the page anew
            tasks = [group.create_task(show()) for show in (hub.show_pictures, hub.show_figures)]
            await stop.wait()
            for task in tasks:
                task.cancel()
    finally:
        server.close()
        hub.end()
        transports = [connection.transport for connection in runner.server.connections]
        await runner.cleanup()
        for transport in transports:
            if transport is not None:
                transport.abort()  # who still has not taken all will not be waited for
        await asyncio.sleep(0)


def _from_any_thread(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(callback)

    return call


def _application(plan: Plan, hub: Hub) -> web.Application:
    guard = Guard(plan.token, plan.loopback_host, plan.listening.getsockname()[1], plan.once)
    application = web.Application(
        middlewares=[patient(plan.limits.patience_s), guard.middleware()], client_max_size=plan.limits.body_bytes
    )
    application.on_response_prepare.append(add_headers)
    routes = Routes(plan.slot, plan.encoder, plan.status, hub, plan.limits, read_page(), guard.trusts)
    application.add_routes(routes.table())
    return application


def _bounded(server: web.Server, most: int) -> Callable[[], asyncio.Protocol]:
    """A protocol for each connection; a refusal where there are `most` already."""
    return lambda: server() if len(server.connections) < most else _Refusal()


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(REFUSAL)
        transport.close()


def _say(once: Once, context: dict[str, Any]) -> None:
    error = context.get("exception")
    once((context["message"], type(error)), f"{context['message']} {error or ''}".strip())
