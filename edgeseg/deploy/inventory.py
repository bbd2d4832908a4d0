"""Which boards there are: an inventory in Ansible's INI or YAML format, read and never run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeseg.deploy.address import Address
from edgeseg.errors import MissingExtraError, UsageError, first_line

Variables = dict[str, Any]
PARTS = ("hosts", "vars", "children")
"""Of a group in YAML."""
ALL = "all"


@dataclass
class Group:
    """Hosts and groups in it, by name, with what is said of all of them."""

    hosts: dict[str, Variables] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    variables: Variables = field(default_factory=dict)


def read_inventory(path: Path, limits: Collection[str] = ()) -> list[Address]:
    """The boards in the file, in its order; of `limits`, names of groups and hosts, any one will do.

    ansible_host, ansible_user, ansible_port and ansible_ssh_private_key_file are heeded, of a
    host first, then of its groups: inner ones first, and among equals the last in the alphabet.
    Raises UsageError for what cannot be read and for a limit that names nothing.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({first_line(error)}); give an Ansible inventory") from error
    try:
        groups = _yaml_groups(text) if path.suffix in (".yml", ".yaml") else _ini_groups(text)
        found = _resolve(groups)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    wanted = list(limits) or [ALL]
    members = _members(groups)
    for name in wanted:
        if name not in members and name not in found and name != ALL:
            known = ", ".join(sorted(set(groups) - {ALL, "ungrouped"})) or "none"
            raise UsageError(f"{path}: has no group or host '{name}'; groups are {known}")
    chosen = {host for name in wanted for host in (found if name == ALL else members.get(name, {name}))}
    if not chosen:
        raise UsageError(f"{path}: has no boards{' in ' + ', '.join(limits) if limits else ''}; add some")
    return [_address(host, variables, path) for host, variables in found.items() if host in chosen]


def _address(name: str, variables: Variables, path: Path) -> Address:
    texts = {key: str(variables[f"ansible_{key}"]) for key in ("host", "user", "port") if f"ansible_{key}" in variables}
    identity = variables.get("ansible_ssh_private_key_file")
    for value in [*texts.values(), str(identity or "")]:
        if "{{" in value:
            raise UsageError(f"{path}: {name}: edgeseg works no templates out; write '{value}' as it is")
    host, port = texts.get("host", name), texts.get("port", "")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"{path}: {name}: ansible_port is {port}; ports go from 1 to 65535")
    if not host or host.startswith("-") or any(char.isspace() for char in host):
        raise UsageError(f"{path}: {name}: '{host}' is no name of a host; write a name or an address")
    file = str(Path(str(identity)).expanduser()) if identity else None
    return Address(host, texts.get("user"), int(port) if port else None, file, name)


def _members(groups: dict[str, Group]) -> dict[str, set[str]]:
    """Group → hosts in it and in its children."""

    def within(name: str, above: tuple[str, ...]) -> set[str]:
        if name in above:
            raise ValueError(f"group '{name}' is within itself; take it out")
        group = groups.get(name, Group())
        return set(group.hosts).union(*(within(child, (*above, name)) for child in group.children))

    return {name: within(name, ()) for name in groups}


def _depths(groups: dict[str, Group]) -> dict[str, int]:
    """Group → how many others are around it, one within the other, by the longest way."""
    found = dict.fromkeys(groups, 0)

    def descend(name: str, depth: int) -> None:
        found[name] = max(found.get(name, 0), depth)
        for child in groups[name].children if name in groups else ():
            descend(child, depth + 1)

    for name in groups:
        descend(name, 0)
    return found


def _resolve(groups: dict[str, Group]) -> dict[str, Variables]:
    """Host → its variables, the closest winning."""
    members = _members(groups)
    order = {host: None for group in groups.values() for host in group.hosts}
    found: dict[str, Variables] = {}
    depths = _depths(groups)
    outer_first = sorted((name for name in groups if name != ALL), key=lambda name: (depths[name], name))
    for host in order:
        variables = dict(groups[ALL].variables) if ALL in groups else {}
        for name in outer_first:
            if host in members[name]:
                variables |= groups[name].variables
        for group in groups.values():
            variables |= group.hosts.get(host, {})
        found[host] = variables
    return found


def _ini_groups(text: str) -> dict[str, Group]:
    import shlex

    groups: dict[str, Group] = {}
    name, kind = "ungrouped", "hosts"
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            heading = stripped.partition("#")[0].strip()
            name, _, kind = heading[1:-1].partition(":")
            kind = kind or "hosts"
            if not heading.endswith("]") or not name or kind not in ("hosts", "children", "vars"):
                raise ValueError(f"line {number}: '{stripped}' is no heading; write [group] or [group:vars]")
            groups.setdefault(name, Group())
            continue
        group = groups.setdefault(name, Group())
        if kind == "vars":
            key, equals, value = stripped.partition("=")
            if not equals:
                raise ValueError(f"line {number}: '{stripped}' is no variable; write  ansible_user=pi")
            group.variables[key.strip()] = value.strip().strip("\"'")
            continue
        try:
            first, *rest = shlex.split(stripped, comments=True)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}; close the quotes") from error
        if kind == "children":
            group.children.append(first)
            continue
        if any("=" not in each for each in rest):
            raise ValueError(f"line {number}: after a host come variables, as in  ansible_user=pi")
        for host in _expanded(first, number):
            group.hosts[host] = dict(each.split("=", 1) for each in rest)
    for name, group in groups.items():
        for child in group.children:
            if child not in groups:
                raise ValueError(f"group '{name}' names a group '{child}' that is not there; check its name")
    return groups


def _expanded(pattern: str, number: int) -> list[str]:
    """'pi[01:03]' → pi01, pi02, pi03."""
    before, bracket, rest = pattern.partition("[")
    if not bracket:
        return [pattern]
    span, closed, after = rest.partition("]")
    first, _, last = span.partition(":")
    if not (closed and first.isdigit() and last.isdigit()) or "[" in after or int(last) - int(first) > 10_000:
        raise ValueError(f"line {number}: '{pattern}' is no range; write  name[01:12]")
    return [f"{before}{each:0{len(first)}d}{after}" for each in range(int(first), int(last) + 1)]


def _yaml_groups(text: str) -> dict[str, Group]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("PyYAML", "deploy") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"is no plain YAML ({first_line(error)}); an encrypted value cannot be read here") from error
    groups: dict[str, Group] = {}
    for name, content in _mapping(data, "the file").items():
        _walk(str(name), content, groups)
    return groups


def _walk(name: str, content: Any, groups: dict[str, Group]) -> None:
    group = groups.setdefault(name, Group())
    parts = _mapping(content, f"group '{name}'")
    for key in parts:
        if key not in PARTS:
            raise ValueError(f"group '{name}' has '{key}'; it may have {', '.join(PARTS)}")
    group.variables |= _mapping(parts.get("vars"), f"vars of '{name}'")
    for host, variables in _mapping(parts.get("hosts"), f"hosts of '{name}'").items():
        group.hosts[str(host)] = _mapping(variables, f"host '{host}'")
    for child, inner in _mapping(parts.get("children"), f"children of '{name}'").items():
        group.children.append(str(child))
        _walk(str(child), inner, groups)


def _mapping(value: Any, what: str) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no mapping; write it as Ansible has it, hosts: and then a name and a colon")
    return value
