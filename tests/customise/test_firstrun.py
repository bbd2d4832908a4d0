import os
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from shlex import quote

import pytest

from edgeseg.customise.boot_files import extended
from edgeseg.customise.firstrun import PARAMETERS, first_run
from edgeseg.customise.settings import Settings, Wifi
from edgeseg.customise.unit import UNIT
from tests.customise.cards import COMMAND_LINE
from tests.customise.conftest import KEY

HASH = "$6$salt$./abcHASH$HOME"
STUBS = ("systemctl", "chpasswd", "useradd", "usermod", "groupmod", "chown", "rfkill", "sync", "nmcli")
HOSTILE = [
    "'; touch pwned; '", '"; touch pwned; "', "$(touch pwned)", "`touch pwned`", "a'b\"c\\d", "-h", "--help", "%s%n",
    "END_OF_NETWORK", "*", "~root", "${IFS}touch${IFS}pwned", "Käse ☃ #;&|<>", "\\$(touch pwned)", "' '", "!!",
]  # fmt: skip


class Sandbox:
    """A folder that stands in for a board's root; commands that change a system note that they were called."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log = folder / "root", folder / "log"
        for name in (
            "boot/firmware",
            "etc/systemd/system",
            "etc/sudoers.d",
            "var/lib/systemd/rfkill",
            "var/lib/NetworkManager",
            "bin",
        ):
            (self.root / name).mkdir(parents=True)
        (self.root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n")
        (self.root / "var/lib/systemd/rfkill/platform:wlan").write_text("1")
        self.network_manager = self.root / "var/lib/NetworkManager/NetworkManager.state"
        self.network_manager.write_text("[main]\nWirelessEnabled=false\nWWANEnabled=true\n")
        self.command_line = self.root / "boot/firmware/cmdline.txt"
        self.command_line.write_bytes(extended(COMMAND_LINE, PARAMETERS))
        for name in STUBS:
            self.stub(self.root / "bin" / name, name)
        self.stub(self.root / "bin/install", "install", 'eval "last=\\${$#}"; mkdir -p "$last"')
        self.stub(self.root / "bin/getent", "getent", "[ $2 = 1000 ] && echo pi:x:1000:1000::/home/pi:/bin/bash")

    def stub(self, path: Path, name: str, more: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"#!/bin/sh\n{{ printf '%s' {name}; for a in \"$@\"; do printf '\\037%s' \"$a\"; done; printf '\\036'; }} "
            f">> {quote(str(self.log))}\n{more}\n"
        )
        path.chmod(0o755)

    def helpers(self) -> None:
        """As Raspberry Pi OS has them."""
        self.stub(self.root / "usr/lib/raspberrypi-sys-mods/imager_custom", "imager_custom")
        self.stub(self.root / "usr/lib/userconf-pi/userconf", "userconf")

    def run(self, settings: Settings) -> list[list[str]]:
        """What was called."""
        script = self.root / "boot/firmware/firstrun.sh"
        script.write_bytes(first_run(settings))
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "EDGESEG_ROOT": str(self.root)}
        subprocess.run(["sh", "-n", str(script)], check=True)
        subprocess.run(["sh", str(script)], check=True, env=environment, cwd=self.root, timeout=20)
        assert not (self.root / "pwned").exists()
        return [call.split("\x1f") for call in self.log.read_text().split("\x1e")[:-1]]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "it's a board")


@pytest.fixture
def full(settings: Settings) -> Settings:
    return replace(
        settings,
        user="anna",
        ssh_keys=(KEY,),
        password_hash=HASH,
        hostname="belt",
        wifi=Wifi("Net", "ab" * 32),
        country="GB",
        timezone="Europe/Berlin",
    )


def test_the_systems_own_helpers_are_used(sandbox: Sandbox, full: Settings) -> None:
    sandbox.helpers()
    calls = sandbox.run(full)
    for wanted in (
        ["imager_custom", "set_hostname", "belt"],
        ["imager_custom", "set_timezone", "Europe/Berlin"],
        ["userconf", "anna", HASH],
        ["imager_custom", "set_wlan", "Net", "ab" * 32, "GB"],
        ["systemctl", "enable", "ssh"],
        ["systemctl", "enable", "edgeseg-first-boot.service"],
        ["rfkill", "unblock", "wifi"],
    ):
        assert wanted in calls
    assert not any(call[0] == "usermod" for call in calls)


def test_without_them_plain_commands_do_it(sandbox: Sandbox, full: Settings) -> None:
    calls = sandbox.run(full)
    root = sandbox.root
    assert ["usermod", "-l", "anna", "pi"] in calls
    assert ["groupmod", "-n", "anna", "pi"] in calls
    assert ["chpasswd", "-e"] in calls
    assert (root / "etc/hostname").read_text() == "belt\n"
    assert (root / "etc/hosts").read_text() == "127.0.0.1\tlocalhost\n127.0.1.1\tbelt\n"
    assert (root / "home/anna/.ssh/authorized_keys").read_text() == KEY + "\n"
    assert (root / "home/anna/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert (root / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/Europe/Berlin")
    network = root / "etc/NetworkManager/system-connections/edgeseg.nmconnection"
    assert network.stat().st_mode & 0o777 == 0o600
    assert f"ssid=78;101;116;\n\n[wifi-security]\nkey-mgmt=wpa-psk\npsk={'ab' * 32}\n" in network.read_text()
    assert (root / "var/lib/systemd/rfkill/platform:wlan").read_text() == "0\n"


def test_it_takes_itself_away_and_leaves_the_rest(sandbox: Sandbox, full: Settings) -> None:
    sandbox.run(full)
    assert sandbox.command_line.read_bytes() == COMMAND_LINE
    assert {path.name for path in (sandbox.root / "boot/firmware").iterdir()} == {"cmdline.txt"}
    assert (sandbox.root / "etc/systemd/system/edgeseg-first-boot.service").read_text() == UNIT


@pytest.mark.parametrize("wifi", [True, False])
def test_networkmanagers_own_switch_is_on(wifi: bool, sandbox: Sandbox, full: Settings) -> None:
    sandbox.run(full if wifi else replace(full, wifi=None))
    assert sandbox.network_manager.read_text() == "[main]\nWirelessEnabled=true\nWWANEnabled=true\n"


def test_its_secrets_are_overwritten(sandbox: Sandbox, full: Settings) -> None:
    """Another name of the same bytes shows what the disk keeps."""
    script = sandbox.root / "boot/firmware/firstrun.sh"
    script.touch()
    kept = sandbox.root / "kept"
    kept.hardlink_to(script)
    sandbox.run(full)
    assert not script.exists()
    assert kept.read_bytes() == bytes(len(first_run(full)))


@pytest.mark.parametrize("damaged", ["", "console=tty1\n"])
def test_a_command_line_that_would_not_start_is_never_put(damaged: str, sandbox: Sandbox, settings: Settings) -> None:
    sandbox.command_line.write_text(damaged)
    with pytest.raises(subprocess.CalledProcessError):
        sandbox.run(settings)
    left = {path.name for path in (sandbox.root / "boot/firmware").iterdir()}
    assert left == {"cmdline.txt", "firstrun.sh"}
    assert (sandbox.root / "boot/firmware/firstrun.sh").read_bytes() == first_run(settings)
    assert sandbox.command_line.read_text() == damaged


def test_it_may_run_twice(sandbox: Sandbox, full: Settings) -> None:
    sandbox.run(full)
    sandbox.run(full)
    assert (sandbox.root / "etc/hosts").read_text().count("belt") == 1
    assert sandbox.command_line.read_bytes() == COMMAND_LINE


def test_as_little_as_there_can_be(sandbox: Sandbox, settings: Settings) -> None:
    calls = sandbox.run(settings)
    assert {call[0] for call in calls} == {"getent", "systemctl", "sync"}


@pytest.mark.parametrize("helpers", [True, False])
def test_nothing_in_a_name_or_password_is_run(helpers: bool, sandbox: Sandbox, full: Settings) -> None:
    """The settings' own checks are passed by: the script must not rest on them."""
    rng = random.Random(11)
    if helpers:
        sandbox.helpers()
    texts = HOSTILE + [
        "".join(rng.choice("'\"\\$`;&|<>(){}*? ~#!x-") for _ in range(rng.randint(1, 20))) for _ in range(5)
    ]
    for text in texts:
        sandbox.log.unlink(missing_ok=True)
        wifi = object.__new__(Wifi)
        object.__setattr__(wifi, "ssid", text)
        object.__setattr__(wifi, "key", "ab" * 32)
        settings = replace(full)
        names = ("hostname", "password_hash", "timezone")
        for name in names if helpers else names[:2]:
            object.__setattr__(settings, name, text)
        object.__setattr__(settings, "wifi", wifi)
        object.__setattr__(settings, "ssh_keys", (f"{KEY} {text}",))
        calls = sandbox.run(settings)
        if helpers:
            assert ["imager_custom", "set_hostname", text] in calls
            assert ["userconf", "anna", text] in calls
            assert ["imager_custom", "set_wlan", text, "ab" * 32, "GB"] in calls
        else:
            assert (sandbox.root / "etc/hostname").read_text() == text + "\n"
        keys = (sandbox.root / "home/anna/.ssh/authorized_keys").read_text()
        assert keys == f"{KEY} {text}\n"
