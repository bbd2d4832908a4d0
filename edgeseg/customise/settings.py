"""What a user wants of a board."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from edgeseg.customise.countries import COUNTRIES
from edgeseg.errors import UsageError

PAGE = "0.0.0.0:8080"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PAGE = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")
_ZONE = re.compile(r"[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+)*")
PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [^\x00-\x1f]*)?")
_DISPLAY = re.compile(r"\d{3,4}x\d{3,4}(@\d{2,3})?")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,200}")


@dataclass(frozen=True)
class Wifi:
    """A network to join."""

    ssid: str
    key: str = field(repr=False)
    """64 hex digits, see `edgeseg.customise.hashes.wifi_key`."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.ssid.encode()) <= 32 or not self.ssid.isprintable():
            raise UsageError(f"'{self.ssid}' is no name of a Wi-Fi network: it has 1 to 32 bytes, all printable")


@dataclass(frozen=True)
class Settings:
    """All that can be chosen; raises UsageError for what cannot be."""

    bundle: Path
    token: str = field(repr=False)
    """What viewers of the page must know."""
    user: str = ""
    """Empty: nobody can log in."""
    password_hash: str = field(default="", repr=False)
    """As `edgeseg.customise.hashes.password_hash` gives it; empty: no password."""
    ssh_keys: tuple[str, ...] = ()
    """Lines of an authorized_keys file."""
    hostname: str = ""
    """Empty: as the image has it."""
    wifi: Wifi | None = None
    country: str = ""
    """Two letters, whose rules of radio hold."""
    timezone: str = ""
    config_lines: tuple[str, ...] = ()
    """For config.txt."""
    display: str = ""
    """Size and rate of what is at HDMI, as 1280x720@60."""
    page: str = PAGE
    live: tuple[str, ...] = ()
    """Options of `edgeseg live` that are the board's own."""
    cloud_init: Path | None = None
    """The user's own user-data."""
    keys: tuple[Path, ...] = ()
    """Public keys; the board takes only bundles signed with one of them."""
    packages: Path | None = None
    """A prepared archive; None: made or taken from the cache."""
    mqtt_password: str = field(default="", repr=False)
    """For the brokers in `live` that are given a user."""

    def __post_init__(self) -> None:
        port = _PAGE.fullmatch(self.page)
        if self.user == "root":
            raise UsageError("'root' cannot be set up; choose another --user, who may become root there")
        checks = (
            (not self.user or _USER.fullmatch(self.user), f"'{self.user}' is no user name; take a-z, 0-9, - and _"),
            (
                not self.hostname or _HOST.fullmatch(self.hostname),
                f"'{self.hostname}' is no host name: take a-z, 0-9 and -, up to 63, without .local",
            ),
            (
                not self.country or self.country in COUNTRIES,
                f"'{self.country}' is no country of ISO 3166; write GB for the United Kingdom, DE for Germany, …",
            ),
            (not self.timezone or _ZONE.fullmatch(self.timezone), f"'{self.timezone}' is no zone as Europe/Berlin"),
            (not self.display or _DISPLAY.fullmatch(self.display), f"'{self.display}' is no display as 1280x720@60"),
            (port and 0 < int(port[1]) < 65536, f"'{self.page}' is no address; write it as {PAGE}"),
            (_TOKEN.fullmatch(self.token), "a token has 8 to 200 letters, digits and . _ ~ -"),
            (self.user or not self.login, "a key or password belongs to a --user"),
            (
                not self.user or self.login or self.cloud_init,
                f"'{self.user}' could not log in; add --ssh-key FILE.pub or --password-file FILE",
            ),
            (self.mqtt_password.isprintable(), "the broker's password has signs that cannot be typed; choose another"),
            (not self.mqtt_password or self._names_broker_user, "a broker's password goes with  --out mqtt://USER@…"),
            (not self.wifi or self.country, "Wi-Fi stays off until its country is known; add  --country GB  or yours"),
        )
        for fine, text in checks:
            if not fine:
                raise UsageError(text)
        for key in self.ssh_keys:
            if not PUBLIC_KEY.fullmatch(key):
                raise UsageError("an SSH key is no public one; give the .pub file that ssh-keygen made")
        for line in (*self.config_lines, *self.live):
            if not line.isprintable() or not line.isascii() or set(line) & set("\"'\\"):
                raise UsageError(f"'{line}' has quotes, a backslash or letters beyond ASCII, which cannot be put there")
        for line in self.config_lines:
            if not re.fullmatch(r"\[\w+\]|[\w.:-]+=.*", line):
                raise UsageError(f"'{line}' is no line of config.txt, such as dtoverlay=imx708")

    @property
    def login(self) -> bool:
        """Whether anybody can log in."""
        return bool(self.ssh_keys or self.password_hash)

    @property
    def serves_page(self) -> bool:
        """False where the board's own options name another page."""
        return not any(option.removeprefix("--out=").startswith("http:") for option in self.live)

    @property
    def _names_broker_user(self) -> bool:
        return any(re.match(r"(--out=)?mqtts?://[^/@]+@", option) for option in self.live)

    @property
    def live_options(self) -> tuple[str, ...]:
        """With the page."""
        return ("--out", f"http://{self.page}", *self.live) if self.serves_page else self.live

    def environment(self) -> str:
        """What the board's service reads: /etc/edgeseg/env."""
        options = " ".join(f"'{option}'" if " " in option else option for option in self.live_options)
        text = f'EDGESEG_TOKEN={self.token}\nEDGESEG_LIVE="{options}"\n'
        if self.mqtt_password:
            escaped = "".join(f"\\{char}" if char in '\\"' else char for char in self.mqtt_password)
            text += f'EDGESEG_MQTT_PASSWORD="{escaped}"\n'
        return text

    def link(self, with_token: bool) -> str:
        """Where the page will be found; empty where there is none, or on the board alone."""
        host, _, port = self.page.rpartition(":")
        if not self.serves_page or host in ("127.0.0.1", "localhost", "[::1]"):
            return ""
        if host in ("0.0.0.0", "[::]"):  # noqa: S104  # nothing is bound here
            host = f"{self.hostname or 'raspberrypi'}.local"
        return f"http://{host}:{port}/?token={self.token if with_token else '…'}"
