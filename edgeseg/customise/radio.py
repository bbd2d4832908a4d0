"""Wi-Fi, which Raspberry Pi OS keeps off in three places until a country is known."""

from __future__ import annotations


def radio_commands(root: str = "") -> str:
    """Shell commands that switch it on for good, under a folder that stands in for / ."""
    return (
        "rfkill unblock wifi\n"
        f'for switch in "{root}"/var/lib/systemd/rfkill/*:wlan; do\n'
        '    [ ! -e "$switch" ] || echo 0 > "$switch"\ndone\n'
        f'state="{root}/var/lib/NetworkManager/NetworkManager.state"\n'
        '[ ! -e "$state" ] || sed -i \'s/^WirelessEnabled=.*/WirelessEnabled=true/\' "$state"\n'
        "if systemctl --quiet is-active NetworkManager; then nmcli radio wifi on; fi\n"  # else it reads that file
    )
