"""What a bundle says of itself: `manifest.json`, its one member that no other vouches for."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edgeseg.bundle.bounds import Bounds
from edgeseg.errors import ModelError
from edgeseg.labels import Labels

VERSION = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MODEL, COMPILED = "model.tflite", "model_edgetpu.tflite"
MAX_BYTES = 512 << 20
"""Of all members together."""
_MEMBER = re.compile(r"[a-z0-9_]+(?:/[a-z0-9_]+)*\.[a-z0-9]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Member:
    """A file of the bundle."""

    size: int
    """In bytes."""
    sha256: str
    """Hex."""


@dataclass(frozen=True)
class GoldenFrame:
    """A frame whose way to the mask is recorded."""

    name: str
    """Of the file that it was taken from."""
    frame: str
    """The member that holds the picture; `mask.png` and `stages.npz` lie beside it."""

    @property
    def mask(self) -> str:
        """The member with the expected class ids."""
        return self.frame.rpartition("/")[0] + "/mask.png"

    @property
    def stages(self) -> str:
        """The member with what each stage gave."""
        return self.frame.rpartition("/")[0] + "/stages.npz"


@dataclass(frozen=True)
class Manifest:
    """Everything about a bundle but the files themselves."""

    name: str
    labels: Labels
    bounds: Bounds
    """How far another machine's model may be from the recorded one."""
    golden: tuple[GoldenFrame, ...]
    members: dict[str, Member]
    """By name; all files but the manifest and its signature."""
    live: tuple[str, ...] = ()
    """Options of `edgeseg live`, as they would be typed; those that are typed win."""
    needs: dict[str, Any] = field(default_factory=dict)
    """runtime: the one that the golden masks come from."""
    figures: dict[str, Any] = field(default_factory=dict)
    """scheme, miou and float_miou, as far as the model carries them; fractions of 1, informative only."""

    def to_bytes(self) -> bytes:
        """JSON that `from_bytes` reads back; the same manifest gives the same bytes."""
        data = {"version": VERSION, **asdict(self), "labels": self.labels.to_json()}
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Raises ModelError for a newer version, missing parts or unsafe names; warns of unknown keys."""
        try:
            found = json.loads(data)
            if found["version"] > VERSION:
                raise ModelError(f"the bundle has version {found['version']}; update edgeseg to read it")
            _warn(found)
            return cls(
                name=_matching(_NAME, found["name"]),
                labels=Labels.from_json(found["labels"]),
                bounds=Bounds(float(found["bounds"]["agreement"]), _number(found["bounds"]["error"])),
                golden=tuple(GoldenFrame(str(each["name"]), each["frame"]) for each in found["golden"]),
                members=_members(found["members"]),
                live=tuple(map(str, found.get("live", ()))),
                needs=dict(found.get("needs", {})),
                figures=dict(found.get("figures", {})),
            ).complete()
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ModelError(f"the bundle's {MANIFEST} is incomplete ({error}); make the bundle again") from error

    def complete(self) -> Manifest:
        """Itself; raises ModelError where it speaks of members that it does not list."""
        wanted = {MODEL, *(name for each in self.golden for name in (each.frame, each.mask, each.stages))}
        missing = sorted(wanted - set(self.members))
        if missing or not self.golden:
            raise ModelError(f"the bundle has no {missing[0] if missing else 'golden frame'}; make it again")
        return self


def valid_name(name: str) -> bool:
    """Whether a bundle may be called so: it becomes part of file names and of pages."""
    return bool(_NAME.fullmatch(name))


def _members(found: Mapping[str, Any]) -> dict[str, Member]:
    members = {}
    for name, each in found.items():
        members[_matching(_MEMBER, name)] = Member(int(each["size"]), _matching(_SHA256, each["sha256"]))
    sizes = [each.size for each in members.values()]
    if min(sizes, default=0) < 0 or sum(sizes) > MAX_BYTES:
        raise ModelError(f"the bundle says it is larger than {MAX_BYTES >> 20} MiB; make a smaller one")
    if {MANIFEST, SIGNATURE} & set(members):
        raise ModelError(f"the bundle's {MANIFEST} lists itself; make the bundle again")
    return members


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"'{ascii(text)[1:80]}' is not what belongs there")
    return text


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _warn(found: Mapping[str, Any]) -> None:
    unknown = sorted(set(found) - {"version", *Manifest.__dataclass_fields__})
    if unknown:
        warnings.warn(f"the bundle's manifest has unknown keys: {', '.join(unknown)}", stacklevel=3)
