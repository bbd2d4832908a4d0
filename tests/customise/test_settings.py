import shlex
from dataclasses import replace
from typing import Any

import pytest

from edgeseg.customise.settings import Settings, Wifi
from edgeseg.deploy import onboard
from edgeseg.errors import UsageError
from tests.customise.conftest import KEY, TOKEN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": "Big"}, "'Big' is no user name"),
        ({"user": "x; rm"}, "is no user name"),
        ({"user": "root"}, "'root' cannot be set up"),
        ({"user": "ada"}, "could not log in"),
        ({"country": "UK"}, "write GB for the United Kingdom"),
        ({"hostname": "a_b"}, "'a_b' is no host name"),
        ({"hostname": "-a"}, "no host name"),
        ({"country": "Germany"}, "no country"),
        ({"timezone": "../../etc/passwd"}, "no zone"),
        ({"page": "8080"}, "write it as 0.0.0.0:8080"),
        ({"page": "0.0.0.0:99999"}, "no address"),
        ({"token": "short"}, "a token has 8"),
        ({"token": 'a"b c d e f g'}, "a token has 8"),
        ({"password_hash": "$6$a$b"}, "belongs to a --user"),
        ({"wifi": Wifi("a", "ab" * 32)}, "--country"),
        ({"user": "a", "ssh_keys": ("-----BEGIN OPENSSH PRIVATE KEY-----",)}, "is no public one"),
        ({"config_lines": ("a=b\nc=d",)}, "cannot be put there"),
        ({"config_lines": ("nothing",)}, "no line of config.txt"),
        ({"display": "big"}, "no display as 1280x720@60"),
        ({"mqtt_password": "x"}, "mqtt://USER@"),
        ({"mqtt_password": "x", "live": ("--out", "mqtt://broker/x")}, "mqtt://USER@"),
        ({"mqtt_password": "x\ty", "live": ("--out", "mqtt://me@broker/x")}, "cannot be typed"),
        ({"live": ("--source", 'a"b')}, "cannot be put there"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match=message):
        replace(settings, **change)


@pytest.mark.parametrize("ssid", ["", "x" * 33, "ü" * 17, "a\nb", "a\x00"])
def test_what_is_no_network_is_refused(ssid: str) -> None:
    with pytest.raises(UsageError, match="no name of a Wi-Fi network"):
        Wifi(ssid, "")


def test_no_secret_is_in_the_text_of_it(settings: Settings) -> None:
    full = replace(settings, user="a", password_hash="$6$hidden", wifi=Wifi("n", "ab" * 32), country="GB")
    full = replace(full, live=("--out=mqtt://me@broker/x",), mqtt_password="brokers")
    assert not [secret for secret in (TOKEN, "hidden", "abab", "brokers") if secret in repr(full)]


def test_the_environment_is_read_by_systemd_and_shells(settings: Settings) -> None:
    text = replace(settings, live=("--source", "picamera:0?size=480x640", "--out", "my masks/")).environment()
    token, live = text.splitlines()
    assert token == f"EDGESEG_TOKEN={TOKEN}"
    value = live.removeprefix("EDGESEG_LIVE=")
    assert shlex.split(shlex.split(value)[0]) == [
        *("--out", "http://0.0.0.0:8080", "--source", "picamera:0?size=480x640", "--out", "my masks/"),
    ]


@pytest.mark.parametrize("password", ["plain", "a b#'\"\\$HOME`x", "ü;="])
def test_the_brokers_password_is_read_as_it_was_given(password: str, settings: Settings) -> None:
    text = replace(settings, live=("--out", "mqtts://me@broker/x"), mqtt_password=password).environment()
    name, _, value = text.splitlines()[-1].partition("=")
    assert name == "EDGESEG_MQTT_PASSWORD"
    assert shlex.split(value) == [password]
    assert onboard.parsed(text.splitlines()[-1]) == (name, password)


@pytest.mark.parametrize(
    ("change", "link"),
    [
        ({}, f"http://raspberrypi.local:8080/?token={TOKEN}"),
        ({"hostname": "belt", "page": "[::]:80"}, f"http://belt.local:80/?token={TOKEN}"),
        ({"page": "192.168.1.4:8080"}, f"http://192.168.1.4:8080/?token={TOKEN}"),
        ({"page": "127.0.0.1:8080"}, ""),
        ({"live": ("--out", "http://10.0.0.1:80")}, ""),
    ],
)
def test_the_link_is_where_others_find_the_page(change: dict[str, Any], link: str, settings: Settings) -> None:
    assert replace(settings, **change).link(with_token=True) == link


def test_a_page_of_the_boards_own_takes_the_place_of_ours(settings: Settings) -> None:
    for live in (("--out", "http://10.0.0.1:80"), ("--out=http://10.0.0.1:80",)):
        assert replace(settings, live=live).live_options == live


def test_a_key_lets_somebody_in(settings: Settings) -> None:
    assert not settings.login
    assert replace(settings, user="a", ssh_keys=(KEY,)).login
