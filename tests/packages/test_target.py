import pytest

from edgeseg.errors import UsageError
from edgeseg.packages.target import Target


def test_a_target_says_what_it_is() -> None:
    target = Target("aarch64", (3, 13))
    assert str(target) == "Python 3.13 on aarch64"
    assert target.platform == "aarch64-manylinux_2_28"


def test_debian_12_keeps_the_numpy_that_its_camera_library_was_built_with() -> None:
    assert "numpy<2" in Target("aarch64", (3, 11)).constraints
    assert Target("aarch64", (3, 13)).constraints == ()


@pytest.mark.parametrize(
    ("machine", "python", "message"), [("armv7l", (3, 11), "64-bit"), ("aarch64", (3, 9), "3.11 or newer")]
)
def test_what_nothing_runs_on_is_refused(machine: str, python: tuple[int, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Target(machine, python)
