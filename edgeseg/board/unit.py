"""The service as systemd reads it, and the drop-in that tries another release."""

from __future__ import annotations

from pathlib import Path

from edgeseg.board.layout import BUNDLE, ENV, PACKAGES, Layout

GROUPS = ("video", "render", "plugdev", "apex", "gpio")
"""Cameras, the camera's processor, a Coral at a USB port and one on a card, pins."""
LISTS = ("ExecStart", "Environment", "EnvironmentFile", "SupplementaryGroups")
"""Keys to which a drop-in adds, unless it empties them first."""
START_LIMIT_S = 180
UNIT = """[Unit]
Description=Segment what the camera sees
# It is started again for ever, however often it failed.
StartLimitIntervalSec=0

{service}
[Install]
WantedBy=multi-user.target
"""
# ProtectClock is left out: systemd 252 (Bookworm) closes all devices with it, cameras too, and
# without capabilities nobody sets a clock.
SERVICE = """[Service]
Type=notify
ExecStart=/usr/bin/python3 -m edgeseg live ${{EDGESEG_RELEASE}}/{bundle} $EDGESEG_LIVE
Environment=EDGESEG_RELEASE={release}
Environment=PYTHONPATH={release}/{packages} PYTHONSAFEPATH=1 XDG_CACHE_HOME=%C/edgeseg
# The later one wins.
EnvironmentFile=-{env}
EnvironmentFile=-{own}
Restart=always
RestartSec=3
# Each frame feeds it; loading the model and opening the camera may take longer.
WatchdogSec=30
TimeoutStartSec={start_limit_s}

DynamicUser=yes
SupplementaryGroups={groups}
StateDirectory=edgeseg
WorkingDirectory=%S/edgeseg
CacheDirectory=edgeseg

CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
UMask=0077
"""


def unit(layout: Layout) -> str:
    """The text of edgeseg.service, which runs the current release."""
    return UNIT.format(service=_service(layout, layout.current, layout.current / ENV))


def trial(layout: Layout, release: str) -> str:
    """A drop-in: the service as it will be with this release and its options, whatever its own file says."""
    head, _, settings = _service(layout, layout.releases / release, layout.tried(release)).partition("\n")
    return "\n".join([head, *(f"{key}=" for key in LISTS), settings])


def groups(layout: Layout) -> list[str]:
    """Those of `GROUPS` that this system has; systemd starts nothing with one that is not there."""
    try:
        lines = (layout.root / "etc/group").read_text(errors="replace").splitlines()
    except OSError:
        return []
    known = {line.partition(":")[0] for line in lines}
    return [name for name in GROUPS if name in known]


def _service(layout: Layout, release: Path, own: Path) -> str:
    return SERVICE.format(
        release=release,
        bundle=BUNDLE,
        packages=PACKAGES,
        env=layout.env,
        own=own,
        start_limit_s=START_LIMIT_S,
        groups=" ".join(groups(layout)),
    )
