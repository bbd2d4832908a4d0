"""Options of `edgeseg live` that a bundle or a board keeps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.commands.live_options import NOT_BUNDLED, NOT_FOR_SERVICE, check_live
from edgeseg.errors import UsageError


def test_what_live_takes_passes_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESEG_TOKEN", "of whoever types this, not of the board")
    context = check_live(["--source", "picamera:0", "--out", "mqtt://line@broker/one"], NOT_FOR_SERVICE)
    assert context.params["source"] == "picamera:0"
    assert context.params["out"] == ("mqtt://line@broker/one",)


def test_frames_are_for_a_bundle_but_not_for_a_service() -> None:
    check_live(["--frames", "5"], NOT_BUNDLED)
    with pytest.raises(UsageError, match="leave out --frames after --"):
        check_live(["--frames", "5"], NOT_FOR_SERVICE)


@pytest.mark.parametrize("refused", [NOT_BUNDLED, NOT_FOR_SERVICE], ids=["bundle", "service"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sauce", "0"], "after -- : No such option"),
        (["--help"], "no option for a board"),
        (["--list"], "leave out --list"),
        (["--token", "seven"], "leave out --token"),
        (["--labels", "labels.txt"], "leave out --labels"),
        (["other.tflite"], "the bundle has the model"),
        (["--source", "a\nb"], "a line break"),
        (["--replay", "recording", "--source", "0"], "leave --source out"),
        (["--out", "mqtts://line:h/2@broker/one"], "--mqtt-password-file"),
        (["--out", "mqtt://line:hunter2@broker/one"], "--mqtt-password-file"),
    ],
)
def test_slips_and_secrets_are_refused(options: list[str], message: str, refused: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=message) as told:
        check_live(options, refused)
    assert "hunter2" not in str(told.value)


def test_what_stands_in_a_bundle_is_the_default(
    write: Callable[[dict[str, bytes]], Path], files: dict[str, bytes]
) -> None:
    made = write(files)
    assert check_live([], NOT_FOR_SERVICE, made).params["source"] == "belt:"
    assert check_live(["--source", "0"], NOT_FOR_SERVICE, made).params["source"] == "0"
