"""One board gets a bundle: each step leaves the release that runs there as it is, up to the switch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeseg.board.releases import release_id
from edgeseg.deploy.errors import BoardError, LostError, ReturnedError
from edgeseg.deploy.facts import Facts, require_fit, require_space
from edgeseg.deploy.onboard import outputs
from edgeseg.deploy.remote import Parcel, Remote, Report
from edgeseg.errors import EdgesegError, GateError, UsageError
from edgeseg.packages.extras import needed

if TYPE_CHECKING:
    from edgeseg.packages.cache import Packages

FACTS_S, INSTALL_S, SWITCH_S = 60, 900, 600
"""What the slowest board may take; a board that is gone is found out sooner, by keepalives."""
Supplier = Callable[[Facts, tuple[str, ...], Report], Awaitable["Packages"]]
"""Gives the packages for a board, with extras of edgeseg; built once for all boards that are alike."""
TOKEN_LENGTH = 8
"""At least."""


@dataclass(frozen=True)
class Settings:
    """What changes in the options and secrets that a board runs with."""

    live: tuple[str, ...] | None = None
    """Options for edgeseg live, in the place of those that the board has; None leaves them."""
    page: bool = False
    """Whether other machines may see the page."""
    token: str | None = field(default=None, repr=False)
    mqtt_password: str | None = field(default=None, repr=False)
    """For outputs mqtt://user@host/topic."""

    @classmethod
    def with_secrets(
        cls, live: tuple[str, ...] | None, page: bool, token: Path | None, mqtt_password: Path | None
    ) -> Settings:
        """Reads each from the first line of its file; raises UsageError."""
        found = secret(token, "the token", TOKEN_LENGTH), secret(mqtt_password, "the broker's password", 1)
        return cls(live, page, *found)


def secret(file: Path | None, what: str, length: int) -> str | None:
    """The first line of `file`, of that length at least; None without a file."""
    if file is None:
        return None
    try:
        found = file.read_text().split("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read; give a text file with {what} in it") from error
    if len(found) < length or not found.isprintable():
        raise UsageError(f"{file}: its first line is not {what}; write {length} characters or more there")
    return found


@dataclass(frozen=True)
class Order:
    """What the boards get."""

    bundle: Parcel
    release: str
    """The bundle's own."""
    live: tuple[str, ...]
    """Options in the bundle."""
    settings: Settings = Settings()
    key: tuple[str, bytes] | None = None
    """The first one that a board shall trust: its name there, and its PEM."""
    timing: tuple[str, ...] = ()
    """Options for the board's switch: how long it waits, in the place of the board's own patience."""

    @classmethod
    def of(cls, path: Path, settings: Settings, key: Path | None = None) -> Order:
        """Proves the bundle first, and that `key` signed it, or no board with that key would take it.

        Raises ModelError for a damaged one, UsageError for a folder and for what is no public key.
        """
        from edgeseg.bundle.archive import SUFFIX, Bundle

        if path.is_dir():
            raise UsageError(f"{path}: is a folder; give the {SUFFIX} file")
        found = Bundle.open(path)
        found.verify()
        trusted = (f"{found.require_signature(key)}.pub.pem", key.read_bytes()) if key else None
        return cls(Parcel.of(path, SUFFIX), found.release, found.manifest.live, settings, trusted)


@dataclass(frozen=True)
class Result:
    """A board that runs what was asked for."""

    release: str
    packages: str
    model: str
    sent_bytes: int
    seconds: float
    switched: bool
    """False where it ran there already, and well."""
    notes: tuple[str, ...] = ()


async def roll_out(remote: Remote, user: str, order: Order, supply: Supplier, report: Report) -> Result:
    """Raises BoardError where the board cannot have it, GateError where it went back to the release before."""
    begun = time.monotonic()
    report("asking", 0, 0)
    facts = await within(FACTS_S, "facts", remote.facts())
    require_fit(facts, user)
    packages = await supply(facts, await _extras(remote, facts, order), report)
    release = release_id(order.release, packages.id)
    if order.key:
        await remote.call("trust", order.key[0], data=order.key[1])
    place, sent = await _send(remote, facts, order.bundle, packages, release, report)
    report("self-test", 0, 0)
    await _install(remote, order.bundle, place, packages.id, release)
    settings = await _settings(remote, order, release)
    notes = ["a token was made for its page: it is in /opt/edgeseg/current/env there"] if settings["token_made"] else []
    switched = settings["changed"] or facts.current != release or not await _well(remote)
    if switched:
        report("switch", 0, 0)
        told = await _switch(remote, packages.id, release, order.timing)
        notes += [str(told["note"])] if told.get("note") else []
    try:
        await remote.board(packages.id, "prune")
    except BoardError as error:
        notes.append(f"old releases stay for now: {error}")
    return Result(release, packages.id, facts.model, sent, round(time.monotonic() - begun, 1), switched, tuple(notes))


async def _install(remote: Remote, bundle: Parcel, place: str, packages: str, release: str) -> None:
    """The board proves the bundle, and keeps it as a release; what was uploaded goes either way."""
    try:
        found = await within(INSTALL_S, "install", remote.board(packages, "install", place, "--packages", packages))
    except LostError:
        raise
    except EdgesegError:
        await remote.call("done", bundle.name)
        raise
    await remote.call("done", bundle.name)
    if found.get("release") != release:
        raise BoardError(f"installed {found.get('release')} and not {release}: update edgeseg here")


async def _well(remote: Remote) -> bool:
    """Whether the release runs already, and does it well."""
    status = await within(FACTS_S, "status", remote.board("current", "status"))
    page = status.get("page")
    service = status.get("service") or {}
    return status.get("trial") is None and service.get("state") == "active" and (not page or page["health"] == "ok")


async def _switch(remote: Remote, packages: str, release: str, timing: tuple[str, ...]) -> dict[str, Any]:
    try:
        return await within(SWITCH_S, "switch", remote.board(packages, "switch", release, *timing))  # type: ignore[no-any-return]
    except GateError as error:
        raise ReturnedError(str(error)) from error
    except LostError as error:
        message = "the connection was lost in the switch, which the board ends by itself: see  edgeseg deploy --status"
        raise LostError(message) from error


async def _extras(remote: Remote, facts: Facts, order: Order) -> tuple[str, ...]:
    own = order.settings.live
    outs = outputs(own) if own is not None else (await remote.call("outs"))["schemes"]
    return needed([*map(str, outs), *outputs(order.live)], signed=bool(order.key or facts.keys))


async def _send(
    remote: Remote, facts: Facts, bundle: Parcel, packages: Packages, release: str, report: Report
) -> tuple[str, int]:
    """Gives the bundle's place on the board, and the bytes that were sent."""
    archive = None
    if packages.id not in facts.packages:
        name = f"{packages.sha256[:16]}.tar.gz"
        archive = Parcel(packages.archive, name, packages.size, packages.sha256)
    parcels = [bundle, *([archive] if archive else [])]
    stock = await remote.call("look", release, bundle.sha256, *(each.name for each in parcels))
    there: dict[str, int] = stock["there"]
    unpacked = packages.unpacked_size if archive else 0
    missing = [each for each in parcels if there[each.name] >= 0 and not (each is bundle and stock["bundle"])]
    require_space(facts, unpacked + bundle.size + sum(each.size - there[each.name] for each in missing))
    for each in missing:
        what = "bundle" if each is bundle else "packages"
        await remote.put(each, there[each.name], lambda done, what=what, each=each: report(what, done, each.size))  # type: ignore[misc]
    if archive:
        report("unpacking", 0, 0)
        await within(INSTALL_S, "unpack", remote.unpack(archive, packages.id))
    sent = sum(each.size - there[each.name] for each in missing)
    return stock["bundle"] or f"{stock['uploads']}/{bundle.name}", sent


async def _settings(remote: Remote, order: Order, release: str) -> dict[str, Any]:
    wanted = {**vars(order.settings), "bundle": order.live}
    return await remote.call("settings", release, data=json.dumps(wanted).encode())


async def within(seconds: float, what: str, work: Awaitable[Any]) -> Any:
    """Wait for `work`; raises BoardError where it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise BoardError(f"'{what}' did not end within {seconds:.0f} s: see  edgeseg doctor  on the board") from error
