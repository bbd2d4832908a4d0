"""Reading a card back: what was applied, whether it is whole, and what first boot said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from edgeseg.customise.fat import open_fat, tables
from edgeseg.customise.parts import CARD, ENVIRONMENT, FOLDER, REPORT
from edgeseg.errors import DataError, UsageError

State = Literal["waiting", "begun", "running", "failed"]


class Reader(Protocol):
    """A boot partition."""

    def read(self, path: str) -> bytes | None:
        """A file; None where there is none."""


@dataclass(frozen=True)
class Inspection:
    """What a card tells."""

    card: dict[str, Any]
    """card.json."""
    first_boot: dict[str, Any] | None
    """first-boot.json; None: no first boot has been seen."""
    damaged: tuple[str, ...]
    """Files that are not what was written, or gone."""
    secrets_left: bool
    """The page's token is still on the boot partition, which everybody who holds the card can read."""

    @property
    def state(self) -> State:
        """Of the first boot."""
        if self.first_boot is None:
            return "waiting"
        told = self.first_boot.get("state")
        return told if told in ("begun", "running", "failed") else "failed"

    @property
    def fine(self) -> bool:
        """Nothing has to be mended. A board that runs needs the card's files no more."""
        return self.state == "running" or (not self.damaged and self.state != "failed")

    @property
    def advice(self) -> str:
        """What to do next."""
        if self.damaged and self.state != "running":
            return "the card lost data: flash it again, or take another one"
        told = {
            "waiting": "put the card into the board and wait two minutes for the page; if that was done, the board did "
            "not get as far: attach a screen, and look for cloud-init or firstrun in what it says",
            "begun": "first boot did not get to its end: put the card back, and leave the board on for five minutes",
            "running": "nothing: open the page",
            "failed": "see the message; mend it and put the card back, for first boot tries again at each start",
        }
        return told[self.state]

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        found = {"card": self.card, "first_boot": self.first_boot, "damaged": list(self.damaged)}
        return found | {"state": self.state, "secrets_left": self.secrets_left, "next": self.advice}


def inspect(place: Path) -> Inspection:
    """Look at a card, an image file or a mounted boot folder; raises DataError where edgeseg was never there."""
    with _open(place) as boot:
        card = _json(boot, CARD)
        if card is None:
            raise DataError(f"{place}: was not customised by edgeseg; do so with  edgeseg flash IMAGE --bundle B")
        digests, number = card.get("sha256"), card.get("format")
        if not isinstance(number, int):
            raise DataError(f"{place}: {CARD} is damaged; flash the card again")
        if number != 1:
            raise DataError(f"{place}: was made by a newer edgeseg; update this one to read it")
        if not isinstance(digests, dict) or not isinstance(card.get("applied"), dict):
            raise DataError(f"{place}: {CARD} is damaged; flash the card again")
        damaged = tuple(name for name, digest in digests.items() if _digest(boot.read(f"{FOLDER}/{name}")) != digest)
        return Inspection(card, _json(boot, REPORT), damaged, boot.read(ENVIRONMENT) is not None)


class Folder:
    """A boot partition that is mounted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, path: str) -> bytes | None:
        """A file; None where there is none."""
        place = self._path / path
        return place.read_bytes() if place.is_file() else None


@contextmanager
def _open(place: Path) -> Iterator[Reader]:
    try:
        if place.is_dir():
            yield Folder(place)
        else:
            try:
                tables(place)
            except DataError as error:
                raise DataError(f"{place}: is no card and no unpacked image of one; give the card") from error
            with open_fat(place) as fat:
                yield fat
    except PermissionError as error:
        raise UsageError(f"{place}: permission denied; run  sudo $(command -v edgeseg) flash --inspect …") from error
    except FileNotFoundError as error:
        raise UsageError(f"{place}: is not there; give a card, an image file or a mounted boot folder") from error


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _json(boot: Reader, name: str) -> dict[str, Any] | None:
    data = boot.read(name)
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"state": "failed", "message": f"{name} is damaged"}
