"""A picture that nobody can take for the present."""

from __future__ import annotations

import cv2
import numpy as np

from edgeseg.images import Image

BRIGHTNESS = 0.62
PAPER, INK = (36, 178, 255), (0, 28, 43)
"""BGR; the page's own colours for what is stale."""
FONT = cv2.FONT_HERSHEY_DUPLEX


def stale_picture(picture: Image, text: str) -> Image:
    """BGR HxWx3 in darkened grey, with ASCII `text` on a band across its middle; a new picture."""
    grey = cv2.convertScaleAbs(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), alpha=BRIGHTNESS)
    shown = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    height, width = shown.shape[:2]
    (full_width, full_height), _ = cv2.getTextSize(text, FONT, 1, 1)
    scale = min(0.4 * width / full_width, 0.09 * height / full_height)
    thick = max(1, round(1.5 * scale))
    (text_width, text_height), _ = cv2.getTextSize(text, FONT, scale, thick)
    left, bottom = (width - text_width) // 2, (height + text_height) // 2
    rim = max(1, round(0.7 * text_height))
    cv2.rectangle(shown, (0, bottom - text_height - rim), (width, bottom + rim), PAPER, cv2.FILLED)
    cv2.putText(shown, text, (left, bottom), FONT, scale, INK, thick, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)


def span(seconds: float) -> str:
    """A time as the page's badge has it: `4 s`, `3 min`, `2 h 5 min`."""
    if seconds < 120:
        return f"{int(seconds)} s"
    minutes = int(seconds) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
