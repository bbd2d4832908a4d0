"""Trixie: what cloud-init finds on the boot partition (NoCloud)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeseg.customise.merge import HEADER, dumped, merged, parse, parse_user_data
from edgeseg.customise.radio import radio_commands
from edgeseg.customise.settings import Settings
from edgeseg.customise.unit import DONE, NAME, put_commands
from edgeseg.errors import DataError, UsageError

USER_DATA, NETWORK, META_DATA = "user-data", "network-config", "meta-data"


def boot_command(settings: Settings) -> str:
    """Runs early at every boot, before the boot partition is surely there: so a service waits for that.

    What it does itself is what cloud-init would do once, and not again where power is lost soon after. Without
    --no-block it would wait for services that wait for cloud-init.
    """
    ssh = "systemctl enable ssh\nsystemctl --no-block start ssh\n" if settings.login else ""  # the image has it off
    radio = radio_commands() if settings.country else ""
    return f"test -e {DONE} && exit 0\n{put_commands()}{ssh}{radio}systemctl --no-block start {NAME}\n"


def user_data(settings: Settings) -> dict[str, Any]:
    """Ours alone."""
    data: dict[str, Any] = {}
    if settings.hostname:
        data |= {"hostname": settings.hostname, "manage_etc_hosts": True}
    if settings.timezone:
        data["timezone"] = settings.timezone
    if settings.login:
        # Not `users`: this one takes the groups of the image's own first user (video, gpio …).
        user: dict[str, Any] = {"name": settings.user, "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL"}
        user["lock_passwd"] = not settings.password_hash
        if settings.password_hash:
            user["hashed_passwd"] = settings.password_hash  # `passwd` would leave a user alone who is there already
        if settings.ssh_keys:
            user["ssh_authorized_keys"] = list(settings.ssh_keys)
        data |= {"user": user, "ssh_pwauth": not settings.ssh_keys}
    return data | {"bootcmd": [["sh", "-c", boot_command(settings)]]}


def own_user_data(path: Path) -> dict[str, Any] | None:
    """What the user's file holds; raises UsageError where it cannot be read and DataError for what cannot be merged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    found = parse_user_data(data, str(path))
    _check_list(found)
    return found


def _check_list(theirs: dict[str, Any] | None) -> None:
    if theirs and not isinstance(theirs.get("bootcmd", []), list | None):
        raise DataError("bootcmd in your cloud-init is no list; mend it")


def network(settings: Settings) -> dict[str, Any]:
    """Ours alone; empty without Wi-Fi. The cable is named too, since this replaces the image's own."""
    if not settings.wifi:
        return {}
    wired = {"eth0": {"dhcp4": True, "optional": True}}  # a pattern for its name would become systemd's `Name=any`
    points = {settings.wifi.ssid: {"password": settings.wifi.key}}
    wireless = {"wlan0": {"dhcp4": True, "optional": True, "access-points": points}}
    return {"version": 2, "ethernets": wired, "wifis": wireless}


def cloud_init_files(
    settings: Settings, existing: dict[str, bytes], instance: str
) -> tuple[dict[str, bytes], list[str]]:
    """The three files by name, of ours, the user's and the image's own, and what had to give way."""
    before = existing.get(USER_DATA, b"")
    theirs = parse_user_data(before, "the image's user-data")
    if settings.cloud_init:
        own = own_user_data(settings.cloud_init)
        theirs = merged(own, theirs)[0] if own and theirs else own or theirs
    ours = user_data(settings)
    _check_list(theirs)
    everything, notes = merged(theirs, ours) if theirs else (ours, [])
    header = before if theirs is None and before.startswith(HEADER.encode()) else HEADER.encode()
    files = {USER_DATA: dumped(everything, header)}
    meta = parse(existing.get(META_DATA, b""), "the image's meta-data") or {}
    meta = {name: value for name, value in meta.items() if name != "instance_id"} | {"instance-id": instance}
    files[META_DATA] = dumped(meta)
    if wanted := network(settings):
        found = parse(existing.get(NETWORK, b""), "the image's network-config") or {}
        joined, more = merged(found.get("network", found), wanted)
        files[NETWORK] = dumped({"network": joined})
        notes += more
    return files, notes
