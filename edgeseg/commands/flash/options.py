"""The options of `edgeseg flash` that say what a board becomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from edgeseg.commands.options import FOLDER
from edgeseg.customise.settings import PAGE

OPTIONS = (
    click.option("--bundle", type=FOLDER, metavar="B", help="What the board runs; the options below go with it."),
    click.option("--user", metavar="NAME", help="Who logs in.  [default: pi, with a key or password]"),
    click.option("--ssh-key", "ssh_keys", type=FOLDER, multiple=True, metavar="FILE", help="A .pub file; repeatable."),
    click.option("--password-file", metavar="FILE|-", help="The user's password is its first line; -: asked for."),
    click.option("--hostname", metavar="NAME", help="What the board is called."),
    click.option("--wifi", metavar="SSID", help="Join this network; its password is asked for where not given."),
    click.option("--wifi-password-file", type=FOLDER, metavar="FILE", help="Or set EDGESEG_WIFI_PASSWORD."),
    click.option("--country", metavar="XX", help="Whose rules of radio hold, such as GB; Wi-Fi needs it."),
    click.option("--timezone", metavar="ZONE", help="Such as Europe/Berlin."),
    click.option("--camera", metavar="OVERLAY", help="A camera that does not tell what it is, such as imx708."),
    click.option("--display", metavar="WxH@HZ", help="Size of a display at HDMI that does not tell it."),
    click.option("--config-line", "config_lines", multiple=True, metavar="LINE", help="For config.txt; repeatable."),
    click.option("--page", metavar="ADDRESS:PORT", default=PAGE, show_default=True, help="Where the page is served."),
    click.option("--token-file", type=FOLDER, metavar="FILE", help="What viewers must know.  [default: made, shown]"),
    click.option("--mqtt-password-file", type=FOLDER, metavar="FILE", help="For --out mqtt://USER@HOST/TOPIC."),
    click.option("--cloud-init", type=FOLDER, metavar="FILE", help="Your own user-data, which is merged."),
    click.option("--key", "keys", type=FOLDER, multiple=True, metavar="PUB", help="Take only bundles signed with it."),
    click.option("--packages", type=FOLDER, metavar="FILE", help="A prepared packages.tar.gz."),
    click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing."),
)
NAMES = (
    *("bundle", "user", "ssh_keys", "password_file", "hostname", "wifi", "wifi_password_file", "country", "timezone"),
    *("camera", "display", "config_lines", "page", "token_file", "cloud_init", "keys", "packages", "dry_run"),
    "mqtt_password_file",
)


def board_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds them to a command, which gets them as the one mapping `board`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        board = {name: given.pop(name) for name in NAMES}
        return function(board=board, **given)

    for option in reversed(OPTIONS):
        gathered = option(gathered)
    return gathered
