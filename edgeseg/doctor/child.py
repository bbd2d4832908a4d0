"""What doctor asks in a process of its own, since it may take that process with it: one line of JSON.

`python -m edgeseg.doctor.child WHAT [PORT]`; what fails raises.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TINY = Path(__file__).with_name("tiny.tflite")
"""8x8 RGB in; class 1 where a pixel is brighter in red than in blue. `tests/doctor/test_tiny.py` makes it."""
PAGE_LIMIT_S = 5
OPENCVS = {
    f"opencv-{flavour}" for flavour in ("python", "python-headless", "contrib-python", "contrib-python-headless")
}


def python() -> dict[str, Any]:
    """Which interpreter this is."""
    import platform
    import struct

    return {
        "version": platform.python_version(),
        "machine": platform.machine(),
        "bits": struct.calcsize("P") * 8,
        "libc": platform.libc_ver()[0],
    }


def opencv() -> dict[str, Any]:
    """Load OpenCV and let it do a little; its packages on PyPI all bring the same module."""
    from importlib.metadata import distributions

    import cv2
    import numpy as np

    cv2.resize(np.zeros((2, 2, 3), np.uint8), (4, 4))
    names = {found.metadata["Name"] for found in distributions()}
    return {"version": cv2.__version__, "packages": sorted(names & OPENCVS)}


def model() -> dict[str, Any]:
    """Run the tiny model on a picture whose mask is known."""
    import numpy as np

    from edgeseg.segmenter import Segmenter

    frame = np.zeros((8, 8, 3), np.uint8)
    frame[:, :4, 0] = frame[:, 4:, 2] = 200  # BGR: blue on the left, red on the right
    segmenter = Segmenter(TINY)
    wanted = np.repeat(np.array([[0, 1]], np.uint8), 4, axis=1).repeat(8, axis=0)
    right = bool(np.array_equal(segmenter(frame), wanted))
    return {"runtime": segmenter.runtime, "numpy": np.__version__, "right": right, "notes": segmenter.notes}


def edgetpu() -> dict[str, Any]:
    """Load the library, and with it those that it needs."""
    import ctypes

    ctypes.CDLL("libedgetpu.so.1")
    return {}


def page() -> dict[str, Any]:
    """HTTP statuses that a page on this machine gives to who has no token; None where nothing answers."""
    import http.client

    found: dict[str, Any] = {"server": ""}
    for path in ("/healthz", "/stats.json"):
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=PAGE_LIMIT_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            found["server"] = response.getheader("Server", "")
            found[path] = response.status
        except (OSError, http.client.HTTPException):
            found[path] = None
        finally:
            connection.close()
    return found


QUESTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "python": python,
    "cv2": opencv,
    "model": model,
    "edgetpu": edgetpu,
    "page": page,
}

if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]]()))  # noqa: T201  # this is its answer
