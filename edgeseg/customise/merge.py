"""Joining a user's cloud-init with ours, so that neither is lost."""

from __future__ import annotations

from typing import Any

from edgeseg.errors import DataError, MissingExtraError

HEADER = "#cloud-config"


def parse(data: bytes, name: str) -> dict[str, Any] | None:
    """What a YAML file holds; None for comments alone. Raises DataError for other than a mapping."""
    yaml = _yaml()
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise DataError(f"{name}: is no YAML{where}; mend it, or leave it out") from error
    if found is None:
        return None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise DataError(f"{name}: is no mapping of names to values; mend it, or leave it out")
    return found


def parse_user_data(data: bytes, name: str) -> dict[str, Any] | None:
    """The same for a file that must begin as cloud-init wants it: other kinds (scripts, MIME) cannot be joined."""
    first = data.lstrip(b"\xef\xbb\xbf").partition(b"\n")[0].decode(errors="replace").strip()
    found = parse(data, name)
    if found is not None and first != HEADER:
        raise DataError(f"{name}: begins with '{first[:40]}', and only what begins with {HEADER} can be merged")
    return found


def merged(theirs: Any, ours: Any, path: str = "") -> tuple[Any, list[str]]:
    """Both as one, and what of ours gave way, without its value.

    Mappings are joined name by name and lists one after the other; of other values theirs
    is kept.
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        result, notes = dict(theirs), []
        for name, value in ours.items():
            if name in theirs and theirs[name] is not None:
                result[name], more = merged(theirs[name], value, f"{path}.{name}" if path else name)
                notes += more
            else:
                result[name] = value
        return result, notes
    if isinstance(theirs, list) and isinstance(ours, list):
        return theirs + [item for item in ours if item not in theirs], []
    return theirs, [] if theirs == ours else [f"{path} stays as your cloud-init has it, not as the options say"]


def dumped(data: dict[str, Any], before: bytes = b"") -> bytes:
    """YAML in the order given, after the comments `before`."""
    text: str = _yaml().dump(data, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1000)
    start = before.decode(errors="replace").rstrip("\n")
    return ((start + "\n" if start else "") + text).encode()


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("PyYAML", "flash") from error
    return yaml


def _dumper() -> Any:
    """Writes scripts as blocks that a person can read."""
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,name-defined]  # imported late
        """PyYAML's, with that."""

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return Dumper
