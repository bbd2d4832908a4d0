"""edgeseg: from labelled images to a board that segments its camera."""

from edgeseg.segmenter import Segmenter
from edgeseg.version import __version__

__all__ = ["Segmenter", "__version__"]
