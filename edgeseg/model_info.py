"""What a model file says of itself: classes, input, output, where it came from.

The information is one JSON member, `edgeseg.json`, of a zip archive. A `.keras` file is a
zip already; to a `.tflite` the archive is appended, as TFLite Metadata does with its
associated files, which every interpreter skips. So one reader without FlatBuffers serves
both, and `unzip -p model.tflite edgeseg.json` shows it to a person.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipimport import ZipImportError, zipimporter

from edgeseg.errors import ModelError
from edgeseg.labels import IGNORE_ID, Labels

MEMBER = "edgeseg.json"
LABELS_MEMBER = "labels.txt"
"""Names of the classes, for readers of TFLite Metadata."""
VERSION = 2
"""2 says what black and white are; a file whose pixels are those of 1 is still written as 1."""
PIXELS = (0.0, 255.0)
EPOCH = (1980, 1, 1, 0, 0, 0)
"""A fixed time for zip members, so that the same model gives the same bytes."""
TAIL = 1 << 16
"""Bytes at the end of a file among which our member lies."""
_KEYS = {"version", "architecture", "labels", "input", "output", "provenance"}


@dataclass(frozen=True)
class ModelInfo:
    """The truth that a model file carries."""

    architecture: str
    """Name of the network, as in `edgeseg.training.models.MODELS`."""
    labels: Labels
    size: tuple[int, int]
    """Input (height, width)."""
    channels: int
    """3: RGB, 1: grey; pixels in [0, 255], stretched to `size` by `edgeseg.images.preprocess`."""
    output: str
    """'logits' (HxWxC scores at some stride) or 'labels' (HxW class ids)."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """data, data_sha256, scheme, split, float_miou, miou and the like; informative only."""
    input_range: tuple[float, float] = PIXELS
    """What black and white are to a float input; integer inputs get raw pixels."""

    def to_json(self) -> dict[str, Any]:
        """A mapping that `from_json` reads back."""
        return {
            "version": 1 if self.input_range == PIXELS else VERSION,
            "architecture": self.architecture,
            "labels": self.labels.to_json(),
            "input": {
                "size": list(self.size),
                "channels": self.channels,
                "color": "RGB" if self.channels == 3 else "grey",
                "range": list(self.input_range),
                "resize": "stretch",
            },
            "output": self.output,
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ModelInfo:
        """Raises ModelError for a newer version or missing parts; warns of unknown keys."""
        try:
            if data["version"] > VERSION:
                raise ModelError(f"the model's information has version {data['version']}; update edgeseg to read it")
            unknown = sorted(set(data) - _KEYS)
            if unknown:
                warnings.warn(f"the model's information has unknown keys: {', '.join(unknown)}", stacklevel=2)
            height, width = data["input"]["size"]
            low, high = data["input"].get("range", PIXELS)
            return cls(
                architecture=data["architecture"],
                labels=Labels.from_json(data["labels"]),
                size=(int(height), int(width)),
                channels=int(data["input"]["channels"]),
                output=data["output"],
                input_range=(float(low), float(high)),
                provenance=dict(data.get("provenance", {})),
            )
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"the model's information is incomplete ({error}); convert the model again") from error


def attach(path: Path, info: ModelInfo) -> None:
    """Append `info` to the `.keras` or `.tflite` file at `path`, which must not hold one yet."""
    import zipfile

    member = zipfile.ZipInfo(MEMBER, EPOCH)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(info.to_json(), indent=1))


def read_info(path: Path) -> ModelInfo | None:
    """What the file says of itself, or None for a model that was not made here.

    Raises ModelError where the information is there but damaged or from a newer edgeseg: a
    model that lost it would run, and mean something else.
    """
    try:
        # Python's own loader of archives, which is in memory anyway: zipfile would cost a board 1.6 MB and 6 ms.
        archive = zipimporter(str(path))
        archive.invalidate_caches()  # the file may have been replaced since
        text = archive.get_data(MEMBER)
    except (OSError, ZipImportError, EOFError) as error:
        if MEMBER.encode() in _tail(path):
            raise ModelError(f"{path}: is damaged at its end; copy or convert it again") from error
        return None
    try:
        return ModelInfo.from_json(json.loads(text))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except ValueError as error:
        raise ModelError(f"{path}: its {MEMBER} is damaged; convert the model again") from error


def associated_labels(path: Path, count: int | None) -> Labels | None:
    """Class names that a model made elsewhere carries as TFLite Metadata has it: the first text in its archive.

    A line is a name, the first for id 0; a line that is empty or repeats one counts as a
    class without a name. None where there is no such text, or where it has another number
    of lines than `count` (for `count` None: more than a mask has room for).
    """
    import zipfile  # here, since models of ours are read without it
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            text = next(name for name in archive.namelist() if name.endswith(".txt"))
            lines = archive.read(text).decode("utf-8-sig").rstrip().splitlines()
    except (OSError, StopIteration, UnicodeDecodeError, zipfile.BadZipFile, RuntimeError, zlib.error):
        return None
    if not lines or len(lines) != (count or len(lines)) or len(lines) > IGNORE_ID:
        return None
    names: list[str] = []
    for class_id, line in enumerate(lines):
        name = line.strip()
        names.append(name if name and name not in names else f"class{class_id}")
    return Labels.from_names(names)


def _tail(path: Path) -> bytes:
    """Empty where the file cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            return file.read()
    except OSError:
        return b""
