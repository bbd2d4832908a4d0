import cv2
import pytest

from edgeseg import screen


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_a_machine_without_a_screen_can_show_nothing() -> None:
    assert screen.trouble().startswith("there is no screen")


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_screen_it_is_up_to_cv2(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, ":0")
    assert ("opencv-python-headless" in screen.trouble()) == (not cv2.currentUIFramework())
    assert bool(screen.trouble()) == (not cv2.currentUIFramework())
