"""A folder of one-channel PNGs with class ids, at the frames' size.

They have the frames' names; a live frame has only a number, which begins anew with each run,
so its mask has the time (UTC) of its capture, as 20261123-075057-120.png.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeseg.errors import OutputError
from edgeseg.files import write_bytes
from edgeseg.images import encode_png, resize_mask
from edgeseg.sinks.moment import stamp
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.space import Room


def accepts(uri: str) -> bool:
    """True for `masks/`, `some/dir/`, or a folder that exists."""
    return uri.endswith("/") or Path(uri).is_dir()


def open(uri: str, loop: LoopInfo) -> MasksSink:
    """Raises OutputError where the folder cannot be made, or its disk is nearly full."""
    return MasksSink(Path(uri), loop.live)


class MasksSink:
    """See `edgeseg.sinks.Sink`; each file is whole or absent, so a break leaves nothing half done."""

    def __init__(self, folder: Path, live: bool) -> None:
        self._folder, self._live = folder, live
        try:  # refuse now what would be refused at the first frame
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
        self._room = Room(folder, str(folder))
        self._room.check()

    def write(self, segmented: Segmented) -> None:
        """Write NAME.png."""
        self._room.check()
        frame = segmented.frame
        name = stamp(frame.captured) if self._live else Path(frame.name).name  # a recording's may be anything
        path = self._folder / f"{name}.png"
        mask = resize_mask(segmented.label_map, (frame.image.shape[0], frame.image.shape[1]))
        write_bytes(path, encode_png(mask), durable=False)  # imwrite hides a full disk

    def close(self, complete: bool) -> None:
        """Nothing is open."""
