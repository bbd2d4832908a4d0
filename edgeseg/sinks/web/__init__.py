"""A page with the live picture, at `http://127.0.0.1:8080` (port 0: any that is free; `?fps=15`: pictures a second).

On an address that other machines can reach, a viewer has to know a token. The port takes
connections at once; the server behind it starts in its own thread, so that the first mask
does not wait for it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeseg.errors import OutputError
from edgeseg.sinks.sink import LoopInfo

if TYPE_CHECKING:
    from edgeseg.sinks.web.sink import WebSink


def accepts(uri: str) -> bool:
    """True for `http://…`."""
    return uri.startswith("http://")


def open(uri: str, loop: LoopInfo) -> WebSink:
    """Raises UsageError for an address that cannot be read, OutputError where it cannot be had."""
    if find_spec("aiohttp") is None:
        raise OutputError(f"{uri}: the page needs aiohttp: install it with  pip install aiohttp")
    from edgeseg.sinks.web.sink import WebSink

    return WebSink(uri, loop)
