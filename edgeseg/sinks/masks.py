"""A folder of one-channel PNGs with class ids, at the frames' size."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from edgeseg.errors import OutputError
from edgeseg.files import write_bytes
from edgeseg.images import resize_mask
from edgeseg.sinks.sink import LoopInfo, Segmented


def accepts(uri: str) -> bool:
    """True for `masks/`, `some/dir/`, or a folder that exists."""
    return uri.endswith("/") or Path(uri).is_dir()


def open(uri: str, loop: LoopInfo) -> MasksSink:
    """Raises OutputError where the folder cannot be made."""
    return MasksSink(Path(uri))


class MasksSink:
    """See `edgeseg.sinks.Sink`; each file is whole or absent, so a break leaves nothing half done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:  # refuse now what would be refused at the first frame
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error

    def write(self, segmented: Segmented) -> None:
        """Write NAME.png."""
        frame = segmented.frame
        path = self._folder / f"{frame.name}.png"
        mask = resize_mask(segmented.label_map, (frame.image.shape[0], frame.image.shape[1]))
        write_bytes(path, cv2.imencode(".png", mask)[1].tobytes(), durable=False)  # imwrite hides a full disk

    def close(self, complete: bool) -> None:
        """Nothing is open."""
