import pytest

from edgeseg.deploy.address import Address
from edgeseg.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address", "command"),
    [
        ("pi@raspberrypi.local", Address("raspberrypi.local", "pi"), "ssh pi@raspberrypi.local"),
        ("shed", Address("shed"), "ssh shed"),
        ("pi@10.0.0.7:2222", Address("10.0.0.7", "pi", 2222), "ssh -p 2222 pi@10.0.0.7"),
        ("ssh://pi@10.0.0.7:2222/", Address("10.0.0.7", "pi", 2222), "ssh -p 2222 pi@10.0.0.7"),
        ("pi@[fe80::1%eth0]:22", Address("fe80::1%eth0", "pi", 22), "ssh -p 22 pi@fe80::1%eth0"),
    ],
)
def test_a_board_is_named_as_ssh_names_it(text: str, address: Address, command: str) -> None:
    assert Address.parse(text) == address
    assert address.command == command
    assert Address.parse(address.title) == address


@pytest.mark.parametrize(
    "text", ["", "pi@", "a b", "pi@host:", "pi@host:99999", "-oProxyCommand=x", "pi@-x", "belt.edgeseg/x"]
)
def test_what_is_no_board_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"no board|is none"):
        Address.parse(text)
