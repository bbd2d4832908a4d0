"""Recipes: TOML files with all that a training is asked, but for its data.

A key is a field of `TrainConfig`, the table `[augmentation]` one of `Augmentation`; what a
recipe leaves out is by default. `title` and `data` tell people what it is for.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from edgeseg.errors import UsageError
from edgeseg.training.augment import Augmentation
from edgeseg.training.run import TrainConfig

FOLDER = Path(__file__).parent / "recipes"
NOTES = ("title", "data")
"""For people."""
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
CHANGED = ", changed: "
OTHERWISE = frozenset({"recipe", "qat", "augmentation"})
"""Fields of TrainConfig that are no keys: the file's name, and what has a place of its own."""


def names() -> list[str]:
    """The recipes that come with edgeseg."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of the recipe called `name`, or in the file of that name, as `TrainConfig` takes them.

    Raises UsageError for what is none, and for a key or value that no training has.
    """
    path = Path(name)
    if not path.is_file():
        path = FOLDER / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"no recipe is called '{name}'; known recipes are {', '.join(names())}, or name a TOML file"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a recipe or a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no TOML ({error}); mend it") from error
    augmentation = data.pop("augmentation", None)
    for note in NOTES:
        data.pop(note, None)
    settings = _checked(data, get_type_hints(TrainConfig), path, OTHERWISE)
    if augmentation is not None:
        if not isinstance(augmentation, dict):
            raise UsageError(f"{path}: augmentation is a table; begin it with a line  [augmentation]")
        views = _checked(augmentation, get_type_hints(Augmentation), path)
        try:
            settings["augmentation"] = Augmentation(**views)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error
    return settings


def changed(recipe: str, keys: Iterable[str]) -> str:
    """What a run that differs from its recipe in `keys` says that it followed."""
    name, _, before = recipe.partition(CHANGED)
    return name + CHANGED + ", ".join(sorted({*keys, *filter(None, before.split(", "))}))


def _checked(
    data: dict[str, Any], kinds: dict[str, Any], path: Path, hidden: frozenset[str] = frozenset()
) -> dict[str, Any]:
    known = {name: kind for name, kind in kinds.items() if name not in hidden}
    settings = {}
    for key, value in data.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            cure = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"{path}: has the unknown key '{key}'; {cure}")
        settings[key] = _typed(value, known[key], f"{path}: {key}")
    return settings


def _typed(value: Any, kind: Any, where: str) -> Any:
    """`value` as the annotation `kind` has it: a list becomes a tuple, a whole number a float."""
    kinds = get_args(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or len(value) != len(kinds):
            raise UsageError(f"{where} is {value!r}; it takes a list of {len(kinds)} numbers")
        return tuple(_typed(each, one, where) for each, one in zip(value, kinds, strict=True))
    plain = kinds[0] if kinds else kind  # of `str | None`, what a file can say
    if plain is float and type(value) is int:
        return float(value)
    if type(value) is not plain:
        raise UsageError(f"{where} is {value!r}; it takes {WORDS[plain]}")
    return value
