"""When a frame was captured, for people."""

from __future__ import annotations

import time


def stamp(captured: float) -> str:
    """The same moment in a file's name, in the order of time: 20261123-075057-120."""
    date, _, thousandths = utc(captured).rstrip("Z").replace("-", "").replace(":", "").replace("T", "-").partition(".")
    return f"{date}-{thousandths}"


def utc(captured: float) -> str:
    """A `time.monotonic()` as date and time, UTC in ISO 8601 with milliseconds: 2026-11-23T07:50:57.120Z."""
    seconds, thousandths = divmod(round(1000 * (time.time() - time.monotonic() + captured)), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{thousandths:03d}Z"
