"""The files of the page, read once, each under the one path that it is served at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class PageFile(NamedTuple):
    """A file of the page."""

    body: bytes
    content_type: str


def read_page() -> dict[str, PageFile]:
    """By path: `/` for index.html, else `/NAME`."""
    files = sorted(path for path in (Path(__file__).parent / "page").iterdir() if path.suffix in TYPES)
    return {
        "/" if path.name == "index.html" else f"/{path.name}": PageFile(path.read_bytes(), TYPES[path.suffix])
        for path in files
    }
