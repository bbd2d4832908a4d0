"""Whether this machine can show a window."""

from __future__ import annotations

import os
import sys

import cv2


def trouble() -> str:
    """Why the installed cv2 can open no window here, and what to do; empty where it can."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set): log in at one"
    if not cv2.currentUIFramework():
        return "this cv2 has no windows: replace opencv-python-headless by opencv-python"
    return ""
