"""Bookworm: a script that runs once, before all else, and then reboots."""

from __future__ import annotations

from shlex import quote

from edgeseg.customise.radio import radio_commands
from edgeseg.customise.settings import Settings, Wifi
from edgeseg.customise.unit import BOOT, put_commands

SCRIPT = "firstrun.sh"
PARAMETERS = [
    f"systemd.run={BOOT}/{SCRIPT}",
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
]
_START = f"""\
#!/bin/sh
# By edgeseg flash: sets this board up, then takes itself out of cmdline.txt and reboots.
# Each step may run again, since power can be lost at any of them.
root=${{EDGESEG_ROOT:-}}
boot="$root{BOOT}"
custom="$root/usr/lib/raspberrypi-sys-mods/imager_custom"
userconf="$root/usr/lib/userconf-pi/userconf"
first=$(getent passwd 1000 | cut -d: -f1)
"""
_END = f"""\
sync
new="$boot/cmdline.new"
sed -e 's# systemd\\.run=[^ ]*##' -e 's# systemd\\.run_success_action=[^ ]*##' \\
    -e 's# systemd\\.unit=kernel-command-line\\.target##' "$boot/cmdline.txt" > "$new" &&
    grep -q 'root=' "$new" && sync && mv "$new" "$boot/cmdline.txt" || {{
    echo "edgeseg: cmdline.txt cannot be changed; this script runs again at the next start" >&2
    rm -f "$new"
    exit 1
}}
sync
{{
    # Read as a whole before any of it runs: the key and the hash in this file are overwritten, not only its name.
    dd if=/dev/zero of="$boot/{SCRIPT}" bs="$(wc -c < "$boot/{SCRIPT}")" count=1 conv=notrunc,fsync 2> /dev/null
    rm -f "$boot/{SCRIPT}"
    sync
    exit 0
}}
"""


def first_run(settings: Settings) -> bytes:
    """The script; every value in it is quoted."""
    parts = [_START, _host(settings.hostname), _zone(settings.timezone), _user(settings)]
    parts += [_wifi(settings.wifi, settings.country), put_commands("$root"), _END]
    return "".join(part for part in parts if part).encode()


def _either(helper: str, with_helper: str, without: str) -> str:
    return f'if [ -x "${helper}" ]; then\n    "${helper}" {with_helper}\nelse\n{without}fi\n'


def _host(name: str) -> str:
    if not name:
        return ""
    plain = (
        f"    printf '%s\\n' {quote(name)} > \"$root/etc/hostname\"\n"
        "    sed -i '/^127\\.0\\.1\\.1[[:space:]]/d' \"$root/etc/hosts\"\n"
        f"    printf '127.0.1.1\\t%s\\n' {quote(name)} >> \"$root/etc/hosts\"\n"
    )
    return _either("custom", f"set_hostname {quote(name)}", plain)


def _zone(zone: str) -> str:
    if not zone:
        return ""
    plain = (
        f'    ln -sfn /usr/share/zoneinfo/{quote(zone)} "$root/etc/localtime"\n'
        f"    printf '%s\\n' {quote(zone)} > \"$root/etc/timezone\"\n"
    )
    return _either("custom", f"set_timezone {quote(zone)}", plain)


def _user(settings: Settings) -> str:
    """The first user is given the name; where an image has none, it is made."""
    if not settings.login:
        return ""
    name, secret = quote(settings.user), quote(settings.password_hash)
    keys = " ".join(quote(key) for key in settings.ssh_keys)
    rename = (
        f'    if [ -z "$first" ]; then\n        useradd -m -u 1000 -s /bin/bash {name}\n'
        f'    elif [ "$first" != {name} ]; then\n        usermod -l {name} "$first"\n'
        f'        usermod -m -d /home/{name} {name}\n        groupmod -n {name} "$first"\n    fi\n'
    )
    if settings.password_hash:
        rename += f"    printf '%s:%s\\n' {name} {secret} | chpasswd -e\n"
    text = _either("userconf", f"{name} {secret}", rename)
    if keys:
        text += (
            f'home="$root$(getent passwd {name} | cut -d: -f6)"\n[ "$home" = "$root" ] && home="$root/home/"{name}\n'
            f'install -d -m 700 -o {name} "$home/.ssh"\nprintf \'%s\\n\' {keys} > "$home/.ssh/authorized_keys"\n'
            f'chown {name} "$home/.ssh/authorized_keys"\nchmod 600 "$home/.ssh/authorized_keys"\n'
            'mkdir -p "$root/etc/ssh/sshd_config.d"\n'
            "echo 'PasswordAuthentication no' > \"$root/etc/ssh/sshd_config.d/10-edgeseg.conf\"\n"
        )
    text += (
        f"printf '%s ALL=(ALL) NOPASSWD: ALL\\n' {name} > \"$root/etc/sudoers.d/010_edgeseg\"\n"
        'chmod 440 "$root/etc/sudoers.d/010_edgeseg"\nsystemctl enable ssh\n'
    )
    return text


def _wifi(wifi: Wifi | None, country: str) -> str:
    text = ""
    if wifi:
        folder = "$root/etc/NetworkManager/system-connections"
        octets = "".join(f"{byte};" for byte in wifi.ssid.encode())  # as numbers, which need no quoting
        plain = (
            f'    mkdir -p "{folder}"\n    (umask 077; cat > "{folder}/edgeseg.nmconnection") <<\'END_OF_NETWORK\'\n'
            f"[connection]\nid=edgeseg\ntype=wifi\n\n[wifi]\nmode=infrastructure\nssid={octets}\n\n"
            f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={wifi.key}\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n"
            "END_OF_NETWORK\n"
        )
        text += _either("custom", f"set_wlan {quote(wifi.ssid)} {quote(wifi.key)} {quote(country)}", plain)
    return text + (radio_commands("$root") if country else "")
