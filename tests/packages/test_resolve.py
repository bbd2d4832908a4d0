from pathlib import Path

import pytest

from edgeseg.packages.errors import PackagesError
from edgeseg.packages.resolve import resolve
from edgeseg.packages.target import Target
from tests.packages.wheels import wheel

PI = Target("aarch64", (3, 13))


def test_wheels_for_the_target_are_taken_and_none_for_this_machine(without_network: Path, tmp_path: Path) -> None:
    wheel(without_network, "thing", "1.0", "cp313-cp313-manylinux_2_28_aarch64", {"which.txt": b"arm"})
    wheel(without_network, "thing", "1.0", "cp313-cp313-manylinux_2_28_x86_64", {"which.txt": b"intel"})
    wheel(without_network, "thing", "1.0", "cp311-cp311-manylinux_2_28_aarch64", {"which.txt": b"old"})
    resolve(PI, ("thing; platform_machine == 'aarch64' and python_version == '3.13'",), tmp_path)
    assert (tmp_path / "which.txt").read_text() == "arm"


def test_without_a_wheel_for_that_python_the_message_names_those_that_have_one(
    without_network: Path, tmp_path: Path
) -> None:
    for minor in (10, 11, 12):
        wheel(without_network, "thing", "1.0", f"cp3{minor}-cp3{minor}-manylinux_2_28_aarch64")
    with pytest.raises(PackagesError) as caught:
        resolve(PI, ("thing>=1",), tmp_path)
    assert str(caught.value) == (
        "there is no wheel of thing for Python 3.13 on aarch64; use a system with Python 3.11, 3.12"
    )


def test_without_a_wheel_for_that_machine_the_message_says_so(without_network: Path, tmp_path: Path) -> None:
    wheel(without_network, "thing", "1.0", "cp313-cp313-manylinux_2_28_x86_64")
    with pytest.raises(PackagesError, match=r"no wheel of thing for Python 3\.13 on aarch64; use another system"):
        resolve(PI, ("thing",), tmp_path)


def test_without_a_network_the_message_says_what_it_is_needed_for(without_network: Path, tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match="connect to the network once"):
        resolve(PI, ("thing",), tmp_path)


def test_a_dead_index_is_not_named_for_it_may_hold_a_password(
    without_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@127.0.0.1:9/simple")
    with pytest.raises(PackagesError, match="connect to the network once") as caught:
        resolve(PI, ("thing",), tmp_path)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_requirements_that_cannot_be_met_are_one_line(without_network: Path, tmp_path: Path) -> None:
    wheel(without_network, "thing", "1.0")
    with pytest.raises(PackagesError, match="cannot be brought together") as caught:
        resolve(PI, ("thing<1", "thing>=1"), tmp_path)
    assert "\n" not in str(caught.value)
