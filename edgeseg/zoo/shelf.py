"""A folder of models, and the catalogue in it that says what the files themselves do not.

A model is `NAME.tflite` (a class map in the graph), `NAME-logits.tflite` (scores, for the Edge TPU)
and `NAME.keras` (float, to train on from). One whose `NAME.tflite` is not there is not offered.
"""

from __future__ import annotations

import os
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from edgeseg.errors import ModelError, UsageError
from edgeseg.model_info import ModelInfo, read_info

SHELF = Path(__file__).parent / "models"
SHELF_VARIABLE = "EDGESEG_ZOO"
"""Environment variable that names another shelf."""
CATALOGUE = "zoo.toml"
VERSION = 1
LOGITS = "-logits"
"""Ends the name of a model's version that gives scores."""


@dataclass(frozen=True)
class DataSet:
    """What models were trained on."""

    title: str
    licence: str
    """In a few words."""
    source: str
    """Where it comes from."""
    note: str = ""
    """What whoever uses it, or a model trained on it, must know: a sentence."""


@dataclass(frozen=True)
class Entry:
    """One model of the shelf."""

    name: str
    title: str
    """What it is for, in a few words."""
    task: str
    """What models of the same classes share, such as 'street'."""
    data: DataSet
    trained_on: tuple[str, ...]
    """Parts of the data that the shipped weights have seen, such as 'train' and 'val'."""
    recipe: str
    """As `edgeseg train --recipe` knows it."""
    folder: Path
    short: tuple[str, ...] = ()
    """Other names."""
    val_miou: float | None = None
    """0..1, in int8, of the same recipe trained without the val part; for weights that have seen it."""

    @property
    def path(self) -> Path:
        """Full int8, gives a class map."""
        return self.folder / f"{self.name}.tflite"

    @property
    def logits(self) -> Path | None:
        """The same with scores as its output; None where it is not there."""
        return _there(self.folder / f"{self.name}{LOGITS}.tflite")

    @property
    def weights(self) -> Path | None:
        """The float network in Keras; None where it is not there, as on a board."""
        return _there(self.folder / f"{self.name}.keras")

    @cached_property
    def info(self) -> ModelInfo:
        """What the file says of itself; raises ModelError where it says nothing."""
        info = read_info(self.path)
        if info is None:
            raise ModelError(f"{self.path}: does not say what it is; make it with  edgeseg quantize")
        return info

    @property
    def notice(self) -> str:
        """What is said wherever the model is used: its data and its licence."""
        return f"{self.name}: {self.data.title}, {self.data.licence}"

    def has_seen(self, split: str) -> bool:
        """Whether its figures on that part are of images that it was trained on."""
        return split in self.trained_on

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg zoo --json` prints of it; fractions of 1, paths as they are here."""
        info = self.info
        return {
            "name": self.name,
            "short": self.short,
            "title": self.title,
            "task": self.task,
            "classes": [info.labels.names[i] for i in info.labels.counted],
            "size": info.size,
            "bytes": self.path.stat().st_size,
            "provenance": info.provenance,
            "trained_on": self.trained_on,
            "val_miou": self.val_miou,
            "recipe": self.recipe,
            "data": vars(self.data),
            "licence": self.data.licence,
            "path": str(self.path),
            "logits": str(self.logits) if self.logits else None,
            "weights": str(self.weights) if self.weights else None,
        }


def shelf() -> Path:
    """The folder that holds the models: edgeseg's own, or what EDGESEG_ZOO names."""
    return Path(os.environ.get(SHELF_VARIABLE) or SHELF)


def entries(folder: Path | None = None) -> list[Entry]:
    """The models of a shelf whose files are there, in the catalogue's order.

    Raises ModelError where there is no catalogue, or one that cannot be read.
    """
    folder = folder or shelf()
    path = folder / CATALOGUE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        if document["version"] > VERSION:
            raise ModelError(f"{path}: has version {document['version']}; update edgeseg to read it")
        sets = {key: DataSet(**_known(DataSet, row, path)) for key, row in document["data"].items()}
        rows = ({**row, "name": name, "folder": folder} for name, row in document["models"].items())
        found = [_entry(_known(Entry, row, path), sets) for row in rows]
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); a shelf of models has a {CATALOGUE}") from error
    except KeyError as error:
        raise ModelError(f"{path}: lacks {error}; add it") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); mend it") from error
    return [each for each in found if each.path.is_file()]


def names(folder: Path | None = None) -> dict[str, tuple[Entry, Path]]:
    """Each name, short or with -logits, that stands for a file there is."""
    found = {}
    for each in entries(folder):
        for name in (each.name, *each.short):
            found[name] = each, each.path
            if each.logits:
                found[name + LOGITS] = each, each.logits
    return found


def named(text: str, folder: Path | None = None) -> tuple[Entry, Path] | None:
    """The model of that name and its file; None where `text` is no name but a file or folder there is.

    Raises UsageError that lists the names where it is neither.
    """
    known = names(folder)
    return None if text not in known and Path(text).exists() else _of(text, known)


def entry(name: str, folder: Path | None = None) -> Entry:
    """The model of that name, short or not; raises UsageError that lists the names there are."""
    return _of(name, names(folder))[0]


def weights(name: str, folder: Path | None = None) -> Path:
    """The `.keras` of that name, to train on from.

    Raises UsageError for an unknown name, ModelError where the model is there without it.
    """
    found = entry(name, folder)
    if found.weights is None:
        raise ModelError(f"{found.folder / found.name}.keras: is not there; install edgeseg anew to train on from it")
    return found.weights


def _of(name: str, known: Mapping[str, tuple[Entry, Path]]) -> tuple[Entry, Path]:
    if name not in known:
        listed = ", ".join(each for each in known if not each.endswith(LOGITS))
        has = f"the zoo has {listed}" if listed else "the zoo is empty"
        raise UsageError(f"'{name}' is no model's file or folder and no name ({has}); give one of them")
    return known[name]


def _entry(row: dict[str, Any], sets: Mapping[str, DataSet]) -> Entry:
    lists = {key: tuple(row[key]) for key in ("trained_on", "short") if isinstance(row.get(key), list)}
    if len(lists) < sum(key in row for key in ("trained_on", "short")):
        raise TypeError(f"{row['name']}: trained_on and short are lists")
    return Entry(**{**row, **lists, "data": sets[row["data"]]})


def _known(kind: type[DataSet] | type[Entry], row: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What `kind` has room for; warns of the rest, raises KeyError for what is missing."""
    room = {each.name: each.default is MISSING for each in fields(kind)}
    unknown = sorted(set(row) - set(room))
    if unknown:
        warnings.warn(f"{path}: has unknown keys: {', '.join(unknown)}", stacklevel=2)
    for name, needed in room.items():
        if needed and name not in row:
            raise KeyError(name)
    return {key: value for key, value in row.items() if key in room}


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None
