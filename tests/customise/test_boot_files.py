import pytest

from edgeseg.customise.boot_files import configured, extended
from edgeseg.errors import DataError


def test_parameters_come_last_and_stay_on_one_line() -> None:
    assert extended(b"console=tty1 root=/dev/x rootwait", ["ds=nocloud;i=1"]) == (
        b"console=tty1 root=/dev/x rootwait ds=nocloud;i=1\n"
    )


def test_a_parameter_of_the_same_name_is_replaced() -> None:
    line = b"quiet cfg80211.ieee80211_regdom=GB root=x\n"
    assert extended(line, ["cfg80211.ieee80211_regdom=DE"]) == b"quiet root=x cfg80211.ieee80211_regdom=DE\n"


@pytest.mark.parametrize("line", [b"root=x systemd.run=/boot/firstrun.sh", b"root=x ds=nocloud;i=rpi-imager-1"])
def test_an_image_that_was_customised_before_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match=r"customised before.*fresh"):
        extended(line, [])


@pytest.mark.parametrize("line", [b"", b"\n", b"one\ntwo\n"])
def test_what_is_no_command_line_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match="not one line"):
        extended(line, [])


def test_lines_of_config_txt_hold_for_every_board() -> None:
    made = configured(b"camera_auto_detect=1\n[cm5]\ndtoverlay=dwc2\n\n", ("camera_auto_detect=0", "dtoverlay=imx708"))
    assert made.decode().splitlines() == [
        *("camera_auto_detect=1", "[cm5]", "dtoverlay=dwc2", "", "# by edgeseg flash", "[all]"),
        *("camera_auto_detect=0", "dtoverlay=imx708"),
    ]


def test_without_lines_config_txt_is_left_alone() -> None:
    assert configured(b"as it is\r\n", ()) == b"as it is\r\n"
