"""Somebody who watches the page: `python -m edgeseg.bench.viewer http://127.0.0.1:8080`, a process of its own.

It takes every message, answers as the page does, and says `watching` once the first picture
is there.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

WATCHING = "watching"


class Viewer:
    """Starts such a process for the page that a loop says it has. Use it in a `with`, as what the loop `say`s to."""

    def __init__(self) -> None:
        self.watching = threading.Event()
        """Set once the first picture came."""
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, said: str) -> None:
        """A line of the loop's; the one with the page's link starts the viewer."""
        words, _, link = said.partition(": ")
        if words == "page" and self._process is None:
            command = [sys.executable, "-m", "edgeseg.bench.viewer", link]
            import subprocess  # here, like the imports below: the memory of whoever starts a viewer is measured

            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() == WATCHING:
            self.watching.set()


async def _watch(link: str) -> None:
    import aiohttp

    from edgeseg.sinks.web.wire import SEEN

    async with aiohttp.ClientSession() as session, session.ws_connect(f"{link}/ws", max_msg_size=0) as page:
        watching = False
        async for message in page:
            is_picture = message.type is aiohttp.WSMsgType.BINARY
            await page.send_str(SEEN if is_picture else "here")
            if is_picture and not watching:
                watching = True
                print(WATCHING, flush=True)  # noqa: T201  # to the process that started this one


if __name__ == "__main__":
    import asyncio

    asyncio.run(_watch(sys.argv[1]))
