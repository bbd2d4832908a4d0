"""edgeseg: from labelled images to a board that segments its camera."""

import os

# Before cv2 is loaded: what it has to say, our errors say better.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

from edgeseg.segmenter import Segmenter
from edgeseg.version import __version__

__all__ = ["Segmenter", "__version__"]
