import random
import shutil
import string
import subprocess

import pytest

from edgeseg.customise.hashes import password_hash, wifi_key
from edgeseg.errors import UsageError


@pytest.mark.parametrize(
    ("passphrase", "ssid", "key"),
    [
        ("password", "IEEE", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
        ("ThisIsAPassword", "ThisIsASSID", "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"),
    ],
)
def test_a_wifi_key_is_that_of_the_standards_examples(passphrase: str, ssid: str, key: str) -> None:
    assert wifi_key(passphrase, ssid) == key


def test_a_key_that_is_one_already_passes() -> None:
    assert wifi_key("AB" * 32, "any") == "ab" * 32


@pytest.mark.parametrize("passphrase", ["", "seven77", "x" * 64, "umläute sind nicht", "line\nbreak"])
def test_what_no_access_point_takes_is_refused(passphrase: str) -> None:
    with pytest.raises(UsageError, match="8 to 63"):
        wifi_key(passphrase, "ssid")


def test_a_password_hash_is_made_as_before() -> None:
    assert password_hash("Hello world!", "saltstring") == (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
    )


def test_password_hashes_are_those_of_openssl() -> None:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl: apt install openssl")
    rng = random.Random(7)
    for length in (1, 15, 16, 17, 63, 64, 65, 130):
        password = "".join(rng.choice(string.printable[:94] + "ßé") for _ in range(length))
        salt = "".join(rng.choice(string.ascii_letters) for _ in range(rng.randint(1, 16)))
        command = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
        told = subprocess.run(command, input=password.encode(), capture_output=True, check=True).stdout.decode()
        assert password_hash(password, salt) == told.strip()


def test_no_two_hashes_of_a_password_are_the_same() -> None:
    assert password_hash("secret") != password_hash("secret")
