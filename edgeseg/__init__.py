"""edgeseg: from labelled images to a board that segments its camera."""

import os
from typing import TYPE_CHECKING, Any

from edgeseg.version import __version__

if TYPE_CHECKING:
    from edgeseg.segmenter import Segmenter

# Before cv2 is loaded: what it has to say, our errors say better.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

__all__ = ["Segmenter", "__version__"]


def __getattr__(name: str) -> Any:
    """Load `Segmenter`, and with it NumPy, OpenCV and the runtime, when somebody asks for it."""
    if name == "Segmenter":
        from edgeseg.segmenter import Segmenter

        return Segmenter
    raise AttributeError(f"module 'edgeseg' has no attribute '{name}'")
