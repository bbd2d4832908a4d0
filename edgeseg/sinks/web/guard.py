"""Who may see the page, and how long they may take."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgeseg.sinks.web.address import is_loopback
from edgeseg.sinks.web.once import Once

OPEN = frozenset({"/healthz"})
"""Needs no token: a watchdog asks here. Who has none is told less."""
ONWARD = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><title>edgeseg</title>'
"""Sends a browser on to the page."""
HEADERS = {
    "Server": "edgeseg",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Checks each request before it reaches a handler."""

    def __init__(self, token: str | None, loopback_host: str | None, port: int, once: Once) -> None:
        self._token = token
        self._loopback_host = loopback_host
        """The name that the page was asked for, where only this machine reaches it."""
        self._cookie = f"edgeseg-{port}"  # cookies know no ports, and a machine may run two loops
        self._pass = hashlib.sha256((token or "").encode()).hexdigest()  # any token can be a cookie so, and none is
        self._once = once

    def trusts(self, request: web.Request) -> bool:
        """True where the request brings the token, or none is asked for."""
        if self._token is None:
            return True
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        tokens = (request.query.get("token"), bearer if kind == "Bearer" else None)
        given = [(text, self._token) for text in tokens] + [(request.cookies.get(self._cookie), self._pass)]
        return any(text is not None and _same(text, wanted) for text, wanted in given)

    def middleware(self) -> Middleware:
        """For `web.Application`."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check_host(request)
            self._check_origin(request)
            if not self.trusts(request) and request.path not in OPEN:
                text = "the token is missing or wrong; open the link that edgeseg printed, which ends in ?token=…"
                raise self._refused(request, web.HTTPUnauthorized, text)
            if self._token is not None and request.path == "/" and "token" in request.query:
                return self._remember()
            try:
                return await handler(request)
            except web.HTTPNotFound:
                self._once((request.remote, "path"), f"{request.remote} asked for {request.path}, which is not there")
                raise

        return check

    def _check_host(self, request: web.Request) -> None:
        """A page of somebody else's that had its name resolved to 127.0.0.1 names itself here."""
        host = _host(request.headers.get("Host", ""))
        if self._loopback_host is None or host is None or host == self._loopback_host or is_loopback(host):
            return
        raise self._refused(request, web.HTTPForbidden, f"this page does not answer to the name {host}")

    def _check_origin(self, request: web.Request) -> None:
        """Another site's script may not watch or press buttons; browsers say where a script comes from."""
        origin = request.headers.get("Origin")
        if origin is None or (request.method in ("GET", "HEAD") and request.path != "/ws"):
            return
        if urlsplit(origin).netloc != request.headers.get("Host"):
            raise self._refused(request, web.HTTPForbidden, "this page takes no requests from other sites")

    def _refused(self, request: web.Request, kind: type[web.HTTPError], text: str) -> web.HTTPError:
        self._once((request.remote, kind), f"{request.remote} was refused: {text}")
        return kind(text=text + "\n", headers={"WWW-Authenticate": "Bearer"} if kind is web.HTTPUnauthorized else None)

    def _remember(self) -> web.Response:
        """Sends the browser on to the page without the token in its address.

        By a page, not a redirect: a browser that came from another site's link would leave
        out the cookie on the way of a redirect.
        """
        response = web.Response(text=ONWARD, content_type="text/html")
        response.set_cookie(self._cookie, self._pass, httponly=True, samesite="Strict", max_age=365 * 86400)
        return response


def patient(patience_s: float) -> Middleware:
    """Middleware that sends answers itself, and hangs up on those who do not take them in time."""

    @web.middleware
    async def send(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=0)  # what is sent has left this process
        try:
            response = await handler(request)
        except web.HTTPException as error:  # an answer too, such as 404
            await _deliver(request, error, patience_s)
            raise
        if not response.prepared:  # a stream has patience of its own
            await _deliver(request, response, patience_s)
        return response

    return send


async def _deliver(request: web.Request, response: web.StreamResponse, patience_s: float) -> None:
    try:
        async with asyncio.timeout(patience_s):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        hang_up(request)


def hang_up(request: web.Request) -> None:
    """Drop the connection with all that waits to be sent."""
    if request.transport is not None:
        request.transport.abort()


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: each answer tells the browser what it may do with it."""
    response.headers.update(HEADERS)


def _host(header: str) -> str | None:
    """The name alone, without port and brackets; None where none is given."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return header


def _same(text: str, wanted: str) -> bool:
    return hmac.compare_digest(text.encode(errors="surrogateescape"), wanted.encode())
