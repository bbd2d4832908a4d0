"""`jsonl:PATH?max=100MB` a line of JSON for each frame; `jsonl:-` is the standard output.

With `max`, a file that is full becomes PATH.1, in place of the one before it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Protocol

import numpy as np

from edgeseg.errors import OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.sinks.append import Appended
from edgeseg.sinks.moment import utc
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sinks.space import Room
from edgeseg.uri import read_bytes, read_options, read_path

EXAMPLE = "jsonl:areas.jsonl?max=100MB"
STDOUT = 1


class _Out(Protocol):
    def write(self, line: bytes) -> None: ...
    def close(self) -> None: ...


def accepts(uri: str) -> bool:
    """True for `jsonl:…`."""
    return uri.startswith("jsonl:")


def open(uri: str, loop: LoopInfo) -> JsonlSink:
    """Raises UsageError for options that cannot be read, OutputError where the file cannot be written."""
    path, options = read_path(uri), read_options(uri, {"max": ""})
    largest = read_bytes(uri, options["max"]) if options["max"] else None
    if not path:
        raise UsageError(f"{uri}: names no file; write it like {EXAMPLE}")
    if path != "-":
        return JsonlSink(_File(Path(path), largest), loop.labels)
    if largest is not None:
        raise UsageError(f"{uri}: the standard output cannot be cut; leave max out, or give a file as in {EXAMPLE}")
    return JsonlSink(_Stdout(), loop.labels)


class JsonlSink:
    """See `edgeseg.sinks.Sink`; a line is whole or not there, so a break leaves nothing half done."""

    def __init__(self, out: _Out, labels: Labels) -> None:
        self._out, self._labels = out, labels

    def write(self, segmented: Segmented) -> None:
        """Append a line; raises EndLoop where nobody reads the standard output any more."""
        self._out.write(json.dumps(line(segmented, self._labels), ensure_ascii=False).encode() + b"\n")

    def close(self, complete: bool) -> None:
        """Close the file."""
        self._out.close()


def line(segmented: Segmented, labels: Labels) -> dict[str, object]:
    """What is said of one frame: times in ms, areas as shares of the picture by class name, none that is 0."""
    frame, areas = segmented.frame, segmented.areas
    return {
        "time": utc(frame.captured),
        "name": frame.name,
        "index": segmented.index,
        "invoke_ms": round(segmented.invoke_ms, 3),
        "age_ms": round(segmented.age_ms, 3),
        "areas": {labels.name(int(i)): round(float(areas[i]), 5) for i in np.flatnonzero(areas)},
    }


class _File:
    def __init__(self, path: Path, largest: int | None) -> None:
        self._path, self._largest = path, largest
        self._file = Appended(path, str(path))
        self._room = Room(path.parent, str(path))
        self._room.check()
        if self._file.size and not _ends_line(path):
            self._file.write(b"\n")  # a power cut has torn the last line

    def write(self, line: bytes) -> None:
        self._room.check()
        if self._largest is not None and self._file.size and self._file.size + len(line) > self._largest:
            self._turn_over()
        self._file.write(line)

    def _turn_over(self) -> None:
        self._file.close()
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        except OSError as error:
            raise OutputError(f"{self._path}: cannot become {self._path.name}.1 ({error.strerror})") from error
        self._file = Appended(self._path, str(self._path))

    def close(self) -> None:
        self._file.close()


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


class _Stdout:
    def write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(STDOUT, line) :]
        except BrokenPipeError:  # `… | head` has seen enough
            raise EndLoop from None
        except OSError as error:
            raise OutputError(f"jsonl:-: cannot be written ({error.strerror}); free some space") from error

    def close(self) -> None:
        """Others may still write there."""
