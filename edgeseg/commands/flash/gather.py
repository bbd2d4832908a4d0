"""From what was typed to `Settings`; secrets come from files, the environment or a question, never from options."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from edgeseg.commands.live_options import NOT_FOR_SERVICE, check_live
from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.customise.settings import Settings, Wifi

WIFI_VARIABLE = "EDGESEG_WIFI_PASSWORD"
USER = "pi"
MOST_BYTES = 1 << 20


def gather(board: Mapping[str, Any], live: tuple[str, ...]) -> Settings:
    """Raises UsageError for what cannot be, before any image is touched."""
    from edgeseg.customise.hashes import password_hash
    from edgeseg.customise.settings import Settings

    live = _checked(board["bundle"], live)
    keys = tuple(line for path in board["ssh_keys"] for line in _public_keys(path))
    password = _password(board["password_file"])
    lines = board["config_lines"]
    if board["camera"]:
        if not re.fullmatch(r"[a-z0-9_-]+(,[a-z0-9_=-]+)*", board["camera"]):
            raise UsageError(f"'{board['camera']}' is no camera overlay, such as imx708 or imx708,cam0")
        lines = ("camera_auto_detect=0", f"dtoverlay={board['camera']}", *lines)
    return Settings(
        bundle=board["bundle"],
        token=_token(board["token_file"]),
        user=board["user"] or (USER if keys or password else ""),
        password_hash=password_hash(password) if password else "",
        ssh_keys=keys,
        hostname=board["hostname"] or "",
        wifi=_wifi(board["wifi"], board["wifi_password_file"]),
        country=(board["country"] or "").upper(),
        timezone=board["timezone"] or "",
        config_lines=lines,
        display=board["display"] or "",
        page=board["page"],
        live=live,
        cloud_init=board["cloud_init"],
        keys=board["keys"],
        packages=board["packages"],
        mqtt_password=_mqtt_password(board["mqtt_password_file"]),
    )


def refuse_without_bundle(board: Mapping[str, Any], live: tuple[str, ...], context: click.Context) -> None:
    """Raises UsageError for the first option that says something of a board that gets no bundle."""
    for each in context.command.params:
        if each.name in board and context.get_parameter_source(each.name) is not ParameterSource.DEFAULT:
            raise UsageError(f"{each.opts[0]} goes with --bundle; add the bundle that the board runs")
    if live:
        raise UsageError(f"'{live[0]}' goes with --bundle; add the bundle that the board runs")


def _checked(bundle: Path, live: tuple[str, ...]) -> tuple[str, ...]:
    """With what the bundle sends elsewhere than to a page, since the board's own page takes the place of all that.

    A slip of the pen is told here, not by a board that does not start.
    """
    if live and not live[0].startswith("-"):
        raise UsageError(
            f"'{live[0]}' is one too many; options of the board's own are meant, as in  -- --source {live[0]}"
        )
    context = check_live(live, NOT_FOR_SERVICE, bundle)
    if context.get_parameter_source("out") is ParameterSource.COMMANDLINE:
        return live
    others = [uri for uri in context.params["out"] if not uri.startswith("http:")]
    return (*live, *(word for uri in others for word in ("--out", uri)))


def _mqtt_password(place: Path | None) -> str:
    if not place:
        return ""
    password = _first_line(place)
    if not password:
        raise UsageError(f"{place}: its first line is empty; write the broker's password there")
    return password


def _password(place: str | None) -> str:
    if not place:
        return ""
    password = _asked("the user's password", twice=True) if place == "-" else _first_line(Path(place))
    if not password or not password.isprintable():
        raise UsageError("the user's password is empty or has signs that cannot be typed; choose another")
    return password


def _wifi(ssid: str | None, place: Path | None) -> Wifi | None:
    from edgeseg.customise.hashes import wifi_key
    from edgeseg.customise.settings import Wifi

    if ssid is None:
        if place:
            raise UsageError("--wifi-password-file goes with --wifi SSID")
        return None
    given = _first_line(place) if place else os.environ.get(WIFI_VARIABLE)
    return Wifi(ssid, wifi_key(given or _asked(f"the password of '{ssid}'"), ssid))


def _token(place: Path | None) -> str:
    from secrets import token_urlsafe

    return _first_line(place) if place else token_urlsafe(16)


def _asked(what: str, twice: bool = False) -> str:
    """Without showing it; from a pipe, its next line."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise UsageError(f"{what} is missing; give it in a file, or at a terminal")
        return line
    return str(click.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))


def _first_line(path: Path) -> str:
    return (_text(path).splitlines() or [""])[0].rstrip("\r\n")


def _public_keys(path: Path) -> list[str]:
    """Not shown where they are none: a file of another kind may be a secret."""
    from edgeseg.customise.settings import PUBLIC_KEY

    lines = _lines(path)
    if not lines or not all(PUBLIC_KEY.fullmatch(line) for line in lines):
        raise UsageError(f"{path}: holds no public SSH key; give the .pub file that ssh-keygen made")
    return lines


def _lines(path: Path) -> list[str]:
    lines = [line.strip() for line in _text(path).splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except UnicodeError as error:
        raise UsageError(f"{path}: is no text in UTF-8; check that it is the file you mean") from error
