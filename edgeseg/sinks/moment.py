"""When a frame was captured, for people."""

from __future__ import annotations

import time


def utc(captured: float) -> str:
    """A `time.monotonic()` as date and time, UTC in ISO 8601 with milliseconds: 2026-11-23T07:50:57.120Z."""
    seconds, thousandths = divmod(round(1000 * (time.time() - time.monotonic() + captured)), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{thousandths:03d}Z"
