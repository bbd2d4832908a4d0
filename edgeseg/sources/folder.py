"""A folder of images, in the order of their names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from edgeseg.errors import DataError, SourceError
from edgeseg.images import IMAGE_SUFFIXES, read_frame
from edgeseg.sources.frame import Frame
from edgeseg.sources.recording import MANIFEST
from edgeseg.sources.stored import Stored


def accepts(uri: str) -> bool:
    """True for a folder that exists."""
    return Path(uri).is_dir()


def open(uri: str) -> FolderSource:
    """Raises SourceError where the folder holds no image."""
    files = sorted(path for path in Path(uri).iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not files and (Path(uri) / MANIFEST).is_file():
        raise SourceError(f"{uri}: is a recording; write replay:{uri}")
    if not files:
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise SourceError(f"{uri}: holds no images ({known}); give the folder that does")
    return FolderSource(files)


class FolderSource(Stored):
    """See `edgeseg.sources.Source`."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__(30.0, len(files))
        self._files = files

    def frames(self) -> Iterator[Frame]:
        """Each image once."""
        for path in self._files:
            try:
                image = read_frame(path)
            except DataError as error:
                raise SourceError(str(error)) from error
            yield Frame(image, path.stem, time.monotonic())
