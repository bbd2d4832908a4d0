"""`record:DIR?max=2GB` frames as they came, masks and times, in a ring: the oldest make room for the newest.

`edgeseg live --replay DIR` and `edgeseg compare A B replay:DIR` play it. The format is in
`edgeseg.sources.recording`. An SD card is written in long runs and flushed once a segment.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from edgeseg.errors import DataError, OutputError, UsageError
from edgeseg.files import write_json
from edgeseg.images import encode_png
from edgeseg.sinks.moment import utc
from edgeseg.sinks.ring import Ring
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.space import MB, Room
from edgeseg.sources import recording
from edgeseg.uri import read_bytes, read_options, read_path

EXAMPLE = "record:recording?max=2GB"
SMALLEST = MB
FAST = 1
"""Of PNG's compressions."""


def accepts(uri: str) -> bool:
    """True for `record:…`."""
    return uri.startswith("record:")


def open(uri: str, loop: LoopInfo) -> RecordSink:
    """Raises UsageError for options that cannot be read, OutputError for a folder that holds something else."""
    path, options = read_path(uri), read_options(uri, {"max": "1GB"})
    largest = read_bytes(uri, options["max"])
    if not path:
        raise UsageError(f"{uri}: names no folder; write it like {EXAMPLE}")
    if largest < SMALLEST:
        raise UsageError(f"{uri}: max is smaller than 1 MB; write it like {EXAMPLE}")
    return RecordSink(Path(path), largest, loop)


class RecordSink:
    """See `edgeseg.sinks.Sink`; goes on with the recording that the folder holds."""

    def __init__(self, folder: Path, largest: int, loop: LoopInfo) -> None:
        there = next((place for place in (folder, *folder.absolute().parents) if place.is_dir()), folder)
        Room(there, f"record:{folder}").check()  # before anything is made
        _prepare(folder, f"record:{folder}")
        head = {"model": loop.model, "labels": loop.labels.to_json(), "fps": loop.fps, "live": loop.live}
        self._ring = Ring(folder, largest, recording.pack(head), loop.say)
        self._room = Room(folder, f"record:{folder}")
        self._controls = loop.controls
        if self._controls.recording is None:
            self._controls.recording = True

    def write(self, segmented: Segmented) -> None:
        """Append one frame, unless a viewer has switched recording off."""
        if self._controls.recording:
            self._room.check()
            self._ring.append(_pack(segmented))

    def close(self, complete: bool) -> None:
        """Flush what there is; each frame is whole or absent, so a break leaves nothing half done."""
        self._ring.close()


def _prepare(folder: Path, name: str) -> None:
    """Make the folder a recording, if it is not one; raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise OutputError(f"{name}: cannot be written ({error.strerror}); choose another place") from error
    if not held:
        write_json(folder / recording.MANIFEST, recording.manifest())
        return
    try:
        recording.check_manifest(folder)
    except DataError as error:
        reason = str(error) if recording.MANIFEST in held else f"{name}: holds something else ({held[0]})"
        raise OutputError(f"{reason}; choose an empty or a new folder") from error


def _pack(segmented: Segmented) -> bytes:
    frame, label_map = segmented.frame, segmented.label_map
    if frame.jpeg is not None:
        kind, picture = "jpg", frame.jpeg
    else:  # without loss, or a replay would give other masks
        kind, picture = "png", encode_png(frame.image, FAST)
    info = {
        "name": frame.name,
        "index": segmented.index,
        "time": utc(frame.captured),
        "captured": round(frame.captured, 6),
        "invoke_ms": round(segmented.invoke_ms, 3),
        "age_ms": round(segmented.age_ms, 3),
        "picture": kind,
        "mask": label_map.shape,
    }
    return recording.pack(info, picture, zlib.compress(label_map.tobytes(), 1))
