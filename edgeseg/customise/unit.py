"""The service that installs edgeseg on the board, once.

It is not of the type oneshot: the start of the system would wait for its end, and so would
cloud-init's last stage, for which it waits itself.
"""

from __future__ import annotations

NAME = "edgeseg-first-boot.service"
PATH = f"/etc/systemd/system/{NAME}"
BOOT = "/boot/firmware"
DONE = "/opt/edgeseg/first-boot-done"
UNIT = f"""\
[Unit]
Description=Install edgeseg from the boot partition
RequiresMountsFor={BOOT}
ConditionPathExists=!{DONE}

[Service]
Type=exec
ExecStart=/usr/bin/python3 {BOOT}/edgeseg/first_boot.py

[Install]
WantedBy=multi-user.target
"""
END = "END_OF_UNIT"


def put_commands(root: str = "") -> str:
    """Shell commands that write the unit whole and enable it, under a folder that stands in for / ."""
    return (
        f"cat > \"{root}{PATH}.new\" <<'{END}'\n{UNIT}{END}\n"
        f'mv "{root}{PATH}.new" "{root}{PATH}"\n'
        f"systemctl daemon-reload\nsystemctl enable {NAME}\n"
    )
