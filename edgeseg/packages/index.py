"""Where packages come from: what pip was told on this machine, told to uv."""

from __future__ import annotations

import ast
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

SECTIONS = ("global.", "install.", ":env:.")
"""The later counts more, as with pip."""
Settings = dict[str, str]


def environment(base: Mapping[str, str] = os.environ) -> Settings:
    """`base` with uv's variables for whatever pip was told; a variable that is set in `base` stays.

    Folders that are not there are left out: uv stops at them, pip does not. The values may
    hold passwords and are not to be printed.
    """
    pip = _settings(base)
    made: Settings = {}
    if not _any(base, "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        made["UV_DEFAULT_INDEX"] = " ".join(_there(pip.get("index-url", "")))
    if not _any(base, "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        made["UV_INDEX"] = " ".join(_there(pip.get("extra-index-url", "")))
    if not _any(base, "UV_FIND_LINKS"):
        made["UV_FIND_LINKS"] = ",".join(map(_absolute, _there(pip.get("find-links", ""))))
    if not _any(base, "UV_INSECURE_HOST"):
        made["UV_INSECURE_HOST"] = " ".join(pip.get("trusted-host", "").split())
    if not _any(base, "UV_INDEX_STRATEGY") and made.get("UV_INDEX"):
        made["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: an index may have wheels for this machine only
    if not _any(base, "SSL_CERT_FILE") and Path(pip.get("cert", "")).is_file():
        made["SSL_CERT_FILE"] = pip["cert"]
    if not _any(base, "UV_SYSTEM_CERTS", "UV_NATIVE_TLS") and ssl.get_default_verify_paths().cafile:
        made["UV_SYSTEM_CERTS"] = "1"  # as pip: the machine may trust more than what uv brings
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on") and not _any(base, "UV_OFFLINE"):
        made["UV_OFFLINE"] = "1"
    if pip.get("proxy") and not _any(base, "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        made |= {"HTTPS_PROXY": pip["proxy"], "HTTP_PROXY": pip["proxy"]}
    return {**base, **{name: value for name, value in made.items() if value}}


def _any(base: Mapping[str, str], *names: str) -> bool:
    return any(base.get(name) for name in names)


def _settings(base: Mapping[str, str]) -> Settings:
    """What pip was told, without sections; where there is no pip, what the environment says alone."""
    told = [(f":env:.{name[4:].lower().replace('_', '-')}", base[name]) for name in base if name.startswith("PIP_")]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, env=dict(base), timeout=60, check=True).stdout
        told = [_pair(line) for line in listed.splitlines()] + told
    except (OSError, subprocess.SubprocessError):
        pass  # a venv made without pip
    return {
        name.removeprefix(section): value for section in SECTIONS for name, value in told if name.startswith(section)
    }


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    try:
        return name, str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return "", ""


def _there(value: str) -> list[str]:
    return [place for place in value.split() if (folder := _folder(place)) is None or folder.exists()]


def _folder(place: str) -> Path | None:
    """None for what lies in a network."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme else Path(place).expanduser()


def _absolute(place: str) -> str:
    """For uv, which runs in a folder of its own."""
    return place if urlsplit(place).scheme else str(Path(place).expanduser().absolute())
