"""What changes on a boot partition, as data."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgeseg.customise import parts
from edgeseg.customise.boot_files import configured, extended
from edgeseg.customise.cloudinit import META_DATA, NETWORK, USER_DATA, cloud_init_files
from edgeseg.customise.firstrun import PARAMETERS, SCRIPT, first_run
from edgeseg.customise.settings import Settings
from edgeseg.customise.system import System
from edgeseg.errors import DataError, UsageError
from edgeseg.files import json_bytes
from edgeseg.uri import masked
from edgeseg.version import __version__

COMMAND_LINE, CONFIG = "cmdline.txt", "config.txt"
READ_BEFORE = (COMMAND_LINE, CONFIG, USER_DATA, NETWORK, META_DATA, parts.CARD)
"""What of the image itself matters."""


@dataclass(frozen=True)
class Changes:
    """Files to be written."""

    files: dict[str, bytes] = field(repr=False)
    """By name, in the order in which they are written: what starts the first boot comes last."""
    before: dict[str, bytes] = field(repr=False)
    """What of them the image had."""
    secrets: tuple[str, ...] = field(repr=False)
    """Not to be shown."""
    notes: tuple[str, ...]
    """What the user should know."""


def make_changes(
    settings: Settings,
    system: System,
    before: dict[str, bytes],
    say: Callable[[str], None] = lambda _: None,
    given: parts.Given | None = None,
) -> Changes:
    """All that goes onto the card of an image with the files `before`; `say` gets a line at each longer step.

    `given` is what `parts.read_given` gave, where that was asked before.
    Raises UsageError for what this image cannot have and DataError for one that was customised before.
    """
    if parts.CARD in before:
        raise DataError("the image was customised by edgeseg before; give a fresh one")
    for name in (COMMAND_LINE, CONFIG):
        if name not in before:
            raise DataError(f"the boot partition has no {name}, so it is not a Raspberry Pi's; give a fresh image")
    if settings.cloud_init and system.way != "cloud-init":
        raise UsageError(f"this image ({system.title}) has no cloud-init; leave --cloud-init out, or take Trixie")
    given = given or parts.read_given(settings)
    packages, packages_id = parts.card_packages(settings, given, system, say)
    files = {parts.BUNDLE: given.bundle, parts.PACKAGES: packages, parts.FIRST_BOOT: parts.first_boot_program()}
    files |= parts.card_keys(settings)
    card = {
        "format": 1,
        "edgeseg": __version__,
        "packages": packages_id,
        "python": ".".join(map(str, system.python)),
        "bundle": given.release,
        "os": system.codename,
        "applied": applied(settings, system),
        "sha256": {
            name.removeprefix(f"{parts.FOLDER}/"): hashlib.sha256(data).hexdigest() for name, data in files.items()
        },
    }
    files |= {parts.ENVIRONMENT: settings.environment().encode(), parts.CARD: json_bytes(card)}
    start, parameters, notes = _start(settings, system, before)
    files |= start
    if settings.config_lines:
        files[CONFIG] = configured(before[CONFIG], settings.config_lines)
    if settings.country:
        parameters = [f"cfg80211.ieee80211_regdom={settings.country}", *parameters]
    if settings.display:
        parameters = [f"video=HDMI-A-1:{settings.display}D", *parameters]  # config.txt's hdmi_mode is of older drivers
    files[COMMAND_LINE] = extended(before[COMMAND_LINE], parameters)
    secrets = [settings.token, settings.mqtt_password, settings.password_hash]
    secrets.append(settings.wifi.key if settings.wifi else "")
    return Changes(files, before, tuple(filter(None, secrets)), (*_warnings(settings, system), *notes))


def applied(settings: Settings, system: System) -> dict[str, Any]:
    """What was chosen, without secrets."""
    return {
        "way": system.way,
        "user": settings.user,
        "ssh_keys": len(settings.ssh_keys),
        "password": bool(settings.password_hash),
        "hostname": settings.hostname,
        "wifi": settings.wifi.ssid if settings.wifi else "",
        "country": settings.country,
        "timezone": settings.timezone,
        "display": settings.display,
        "config": list(settings.config_lines),
        "live": [masked(option) for option in settings.live_options],
        "page": settings.page if settings.serves_page else "",
        "keys": [key.name for key in settings.keys],
        "cloud_init": settings.cloud_init is not None,
    }


def _start(
    settings: Settings, system: System, before: dict[str, bytes]
) -> tuple[dict[str, bytes], list[str], list[str]]:
    """Files, kernel parameters and notes of what sets the board up."""
    if system.way == "firstrun":
        return {SCRIPT: first_run(settings)}, PARAMETERS, []
    instance = f"edgeseg-{uuid.uuid4().hex[:16]}"  # cloud-init does its work once for each
    files, notes = cloud_init_files(settings, before, instance)
    return files, [f"ds=nocloud;i={instance}"], notes


def _warnings(settings: Settings, system: System) -> list[str]:
    notes = []
    if not settings.login:
        own = " but who your cloud-init lets in" if settings.cloud_init else ""
        notes.append(f"nobody can log in on the board{own}; give  --user NAME --ssh-key FILE  to change that")
    if not settings.wifi and not settings.cloud_init:
        notes.append("the board has no Wi-Fi; it needs a cable")
    return notes
