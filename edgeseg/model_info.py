"""What a model file says of itself: classes, input, output, where it came from.

The information is one JSON member, `edgeseg.json`, of a zip archive. A `.keras` file is a
zip already; to a `.tflite` the archive is appended, as TFLite Metadata does with its
associated files, which every interpreter skips. So one reader without FlatBuffers serves
both, and `unzip -p model.tflite edgeseg.json` shows it to a person.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeseg.errors import ModelError
from edgeseg.labels import Labels

MEMBER = "edgeseg.json"
VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
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

    def to_json(self) -> dict[str, Any]:
        """A mapping that `from_json` reads back."""
        return {
            "version": VERSION,
            "architecture": self.architecture,
            "labels": self.labels.to_json(),
            "input": {
                "size": list(self.size),
                "channels": self.channels,
                "color": "RGB" if self.channels == 3 else "grey",
                "range": [0, 255],
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
            return cls(
                architecture=data["architecture"],
                labels=Labels.from_json(data["labels"]),
                size=(int(height), int(width)),
                channels=int(data["input"]["channels"]),
                output=data["output"],
                provenance=dict(data.get("provenance", {})),
            )
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"the model's information is incomplete ({error}); convert the model again") from error


def attach(path: Path, info: ModelInfo) -> None:
    """Append `info` to the `.keras` or `.tflite` file at `path`, which must not hold one yet."""
    member = zipfile.ZipInfo(MEMBER, _EPOCH)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(info.to_json(), indent=1))


def read_info(path: Path) -> ModelInfo | None:
    """What the file says of itself, or None for a model that was not made here.

    Raises ModelError where the information is there but damaged or from a newer edgeseg: a
    model that lost it would run, and mean something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if MEMBER not in archive.namelist():
                return None
            text = archive.read(MEMBER)
    except OSError:
        return None
    except zipfile.BadZipFile as error:
        if MEMBER.encode() in _tail(path):
            raise ModelError(f"{path}: is damaged at its end; copy or convert it again") from error
        return None
    try:
        return ModelInfo.from_json(json.loads(text))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except ValueError as error:
        raise ModelError(f"{path}: its {MEMBER} is damaged; convert the model again") from error


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read()
