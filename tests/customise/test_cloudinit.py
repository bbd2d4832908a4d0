import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from edgeseg.customise.cloudinit import boot_command, cloud_init_files
from edgeseg.customise.settings import Settings, Wifi
from edgeseg.customise.unit import UNIT
from edgeseg.errors import DataError
from tests.customise.cards import STOCK
from tests.customise.conftest import KEY

USER = """#cloud-config
hostname: mine
users:
  - default
  - name: anna
    groups: video
bootcmd:
  - echo early
runcmd: [[touch, /tmp/x]]
write_files:
  - {path: /etc/x, content: "a\\nb\\n", permissions: '0644'}
packages: [git]
"""
STATE = "[main]\nNetworkingEnabled=true\nWirelessEnabled=false\nWWANEnabled=true\n"


@pytest.fixture
def full(settings: Settings) -> Settings:
    return replace(
        settings,
        user="pi",
        ssh_keys=(KEY,),
        password_hash="$6$salt$hash",
        hostname="belt",
        wifi=Wifi("Käse: \"'#", "ab" * 32),
        country="GB",
        timezone="Europe/Berlin",
    )


def test_the_stock_comments_stay_and_ours_follows(full: Settings) -> None:
    files, notes = cloud_init_files(full, STOCK, "edgeseg-1")
    assert files["user-data"].startswith(STOCK["user-data"])
    found = yaml.safe_load(files["user-data"])
    assert (found["hostname"], found["timezone"], notes) == ("belt", "Europe/Berlin", [])
    assert found["user"] == {
        "name": "pi",
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": False,
        "hashed_passwd": "$6$salt$hash",
        "ssh_authorized_keys": [KEY],
    }
    assert found["ssh_pwauth"] is False
    assert "runcmd" not in found  # which is done once, and lost with power
    assert yaml.safe_load(files["meta-data"]) == {"dsmode": "local", "instance-id": "edgeseg-1"}
    network = yaml.safe_load(files["network-config"])["network"]
    assert network["wifis"]["wlan0"]["access-points"] == {"Käse: \"'#": {"password": "ab" * 32}}
    assert network["ethernets"]["eth0"]["dhcp4"] is True


def test_a_users_own_cloud_init_is_merged(full: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(USER)
    image = STOCK | {"user-data": b"#cloud-config\nhostname: theirs\nlocale: C.UTF-8\nruncmd: [first]\n"}
    files, notes = cloud_init_files(replace(full, cloud_init=tmp_path / "mine"), image, "i")
    found, own = yaml.safe_load(files["user-data"]), yaml.safe_load(USER)
    assert (found["hostname"], found["locale"]) == ("mine", "C.UTF-8")
    for name in ("users", "write_files", "packages"):
        assert found[name] == own[name]
    assert found["bootcmd"] == ["echo early", ["sh", "-c", boot_command(full)]]
    assert found["runcmd"] == [["touch", "/tmp/x"], "first"]
    assert notes == ["hostname stays as your cloud-init has it, not as the options say"]


def test_an_images_network_is_merged(full: Settings) -> None:
    own = b"network:\n  version: 2\n  ethernets: {eth0: {addresses: [10.0.0.2/24]}}\n"
    files, _ = cloud_init_files(full, STOCK | {"network-config": own}, "i")
    found = yaml.safe_load(files["network-config"])["network"]
    assert found["ethernets"]["eth0"] == {"addresses": ["10.0.0.2/24"], "dhcp4": True, "optional": True}
    assert "wlan0" in found["wifis"]


def test_without_wifi_the_network_is_left_alone(settings: Settings) -> None:
    files, _ = cloud_init_files(settings, STOCK, "i")
    assert set(files) == {"user-data", "meta-data"}
    assert set(yaml.safe_load(files["user-data"])) == {"bootcmd"}


def test_a_bootcmd_that_is_no_list_is_refused(settings: Settings) -> None:
    with pytest.raises(DataError, match="bootcmd in your cloud-init is no list"):
        cloud_init_files(settings, STOCK | {"user-data": b"#cloud-config\nbootcmd: echo\n"}, "i")


def test_the_boot_command_puts_the_unit_and_starts_it_without_waiting(
    settings: Settings, full: Settings, tmp_path: Path
) -> None:
    def here(text: str) -> str:
        text = text.replace("/etc/systemd", f"{tmp_path}/etc/systemd").replace("/opt/edgeseg", f"{tmp_path}/opt")
        return text.replace("/var/lib", f"{tmp_path}/var/lib")

    for folder in ("bin", "etc/systemd/system", "var/lib/NetworkManager", "var/lib/systemd/rfkill"):
        (tmp_path / folder).mkdir(parents=True)
    state, switch = tmp_path / "var/lib/NetworkManager/NetworkManager.state", tmp_path / "var/lib/systemd/rfkill/a:wlan"
    state.write_text(STATE)
    switch.write_text("1")
    for name in ("systemctl", "rfkill", "nmcli"):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/log\n[ "$2" != is-active ]\n')
        (tmp_path / "bin" / name).chmod(0o755)
    script = here(boot_command(settings))
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for _ in range(2):
        subprocess.run(["sh", "-eu", "-c", script], check=False, env=environment)
    assert (tmp_path / "etc/systemd/system/edgeseg-first-boot.service").read_text() == here(UNIT)
    name = "edgeseg-first-boot.service"
    first, last = ["systemctl daemon-reload", f"systemctl enable {name}"], f"systemctl --no-block start {name}"
    assert (tmp_path / "log").read_text().splitlines() == [*first, last] * 2
    assert state.read_text() == STATE
    (tmp_path / "log").unlink()
    subprocess.run(["sh", "-c", here(boot_command(full))], check=True, env=environment)
    ours = ["systemctl enable ssh", "systemctl --no-block start ssh", "rfkill unblock wifi"]
    asked = "systemctl --quiet is-active NetworkManager"
    assert (tmp_path / "log").read_text().splitlines() == [*first, *ours, asked, last]
    assert state.read_text() == STATE.replace("WirelessEnabled=false", "WirelessEnabled=true")
    assert switch.read_text() == "0\n"
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/first-boot-done").touch()
    subprocess.run(["sh", "-c", here(boot_command(full))], check=True, env=environment)
    assert len((tmp_path / "log").read_text().splitlines()) == 7


def test_the_start_of_the_system_does_not_wait_for_the_service() -> None:
    """Else cloud-init's last stage would, for whose end it waits."""
    assert "\nType=exec\n" in UNIT


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze: apt install systemd")
    (tmp_path / "edgeseg-first-boot.service").write_text(UNIT)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "edgeseg-first-boot.service")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "edgeseg-first-boot" not in result.stderr.replace("is not executable", "")


def test_cloud_init_finds_no_fault_in_it(full: Settings, tmp_path: Path) -> None:
    if not shutil.which("cloud-init"):
        pytest.skip("needs cloud-init: apt install --no-install-recommends cloud-init")
    (tmp_path / "mine").write_text(USER)
    files, _ = cloud_init_files(replace(full, cloud_init=tmp_path / "mine"), STOCK, "i")
    (tmp_path / "user-data").write_bytes(files["user-data"])
    command = ["cloud-init", "schema", "--config-file", str(tmp_path / "user-data")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
