import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeseg.commands.flash import flash
from tests.customise.cards import BOOT_MIB, check_fat, names_on_card, on_card
from tests.customise.conftest import KEY
from tests.flash.conftest import MakeCard, make_card  # noqa: F401  # a fixture

ROOT = Path(__file__).parents[2]
WIFI_PASSWORD, PASSWORD = "a-wifi-password", "a user's password"


@pytest.fixture
def given(trixie: Path, bundle: Path, make_packages: Callable[..., Path], tmp_path: Path) -> list[str]:
    """A command as it would be typed, without where it goes."""
    (tmp_path / "id.pub").write_text(f"# mine\n{KEY}\n\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "wifi").write_text(WIFI_PASSWORD + "\n")
    words = [str(trixie), "--bundle", str(bundle), "--packages", str(make_packages()), "--hostname", "belt"]
    words += ["--ssh-key", str(tmp_path / "id.pub"), "--password-file", str(tmp_path / "password"), "--country", "gb"]
    return [*words, "--wifi", "Net", "--wifi-password-file", str(tmp_path / "wifi"), "--camera", "imx708"]


def run(*arguments: object, typed: str = "", **environment: str) -> Result:
    return CliRunner(env=environment).invoke(flash, [str(argument) for argument in arguments], input=typed)


def refusal(*arguments: object, code: int = 2) -> str:
    result = run(*arguments)
    assert getattr(result.exception, "exit_code", 0) == code, (result.output, result.exception)
    return str(result.exception)


def test_a_card_is_customised_and_its_link_is_told_once(given: list[str], tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    result = run(*given, "--to", card, "--", "--source", "picamera:0", "--max-fps", "10")
    assert result.exit_code == 0, (result.output, result.exception)
    environment = on_card(card, "edgeseg/env").decode()
    token = environment.partition("=")[2].splitlines()[0]
    assert result.stdout.count(token) == 1
    assert f"http://belt.local:8080/?token={token}\n" in result.stdout
    assert f"edgeseg flash --inspect {card}" in result.stdout
    live = "--out http://0.0.0.0:8080 --source picamera:0 --max-fps 10 --out mqtt://broker/belt"
    assert f'EDGESEG_LIVE="{live}"' in environment
    user_data = on_card(card, "user-data").decode()
    assert KEY in user_data
    assert "hashed_passwd: $6$" in user_data
    assert b"dtoverlay=imx708" in on_card(card, "config.txt")
    assert b"cfg80211.ieee80211_regdom=GB" in on_card(card, "cmdline.txt")
    everything = b"".join(on_card(card, name) for name in names_on_card(card))
    assert WIFI_PASSWORD.encode() not in everything
    assert PASSWORD.encode() not in everything
    assert token.encode() not in everything.replace(environment.encode(), b"")
    check_fat(card, tmp_path)


def test_the_image_with_secrets_is_its_owners_alone(given: list[str], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert run(*given, "--to", tmp_path / "card.img").exit_code == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert (tmp_path / "card.img").stat().st_mode & 0o777 == 0o600


def test_a_card_is_written_and_read_back(
    given: list[str],
    make_card: MakeCard,  # noqa: F811
    tmp_path: Path,
) -> None:
    result = run(*given, "--to", make_card(BOOT_MIB + 8).path, "--allow-loop", "--yes")
    assert "read back and the same" in result.stdout, (result.output, result.exception)
    assert "edgeseg/card.json" in names_on_card(tmp_path / "card.bin")
    told = run("--inspect", tmp_path / "card.bin")
    assert "files: whole\nfirst boot: waiting\nnext: put the card into the board" in told.stdout
    assert "hostname: belt" in told.stdout


def test_a_token_that_is_given_is_not_shown(given: list[str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("my-own-token\n")
    result = run(*given, "--to", tmp_path / "card.img", "--token-file", tmp_path / "token")
    assert "my-own-token" not in result.output
    assert "http://belt.local:8080/?token=…" in result.stdout
    assert b"EDGESEG_TOKEN=my-own-token\n" in on_card(tmp_path / "card.img", "edgeseg/env")


def test_the_brokers_password_comes_from_a_file(given: list[str], tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("for the broker\n")
    words = ["--mqtt-password-file", tmp_path / "broker", "--to", tmp_path / "card.img"]
    result = run(*given, *words, "--", "--out", "mqtt://me@broker/x")
    assert result.exit_code == 0, (result.output, result.exception)
    assert b'EDGESEG_MQTT_PASSWORD="for the broker"\n' in on_card(tmp_path / "card.img", "edgeseg/env")
    assert "mqtt://USER@" in refusal(*given, *words)  # the bundle's broker is given no user
    (tmp_path / "broker").write_text("\n")
    assert "broker: its first line is empty" in refusal(*given, *words, "--", "--out", "mqtt://me@broker/x")


def test_a_dry_run_shows_what_would_change_and_writes_nothing(given: list[str], trixie: Path, tmp_path: Path) -> None:
    before = trixie.read_bytes()
    files = set(tmp_path.iterdir())
    result = run(*given, "--dry-run")
    assert result.exit_code == 0, (result.output, result.exception)
    for line in ("+++ b/user-data", "+ edgeseg/bundle.edgeseg  ", "+hostname: belt", "+  hashed_passwd: …"):
        assert line in result.stdout
    assert "$6$" not in result.output
    assert (set(tmp_path.iterdir()), trixie.read_bytes()) == (files, before)


def test_no_secret_is_in_an_option_of_a_process_or_its_output(given: list[str], tmp_path: Path) -> None:
    """Every program that it starts is noted with its options."""
    log = tmp_path / "calls"
    code = "import sys\nfrom edgeseg.cli import main\nlog = open(sys.argv.pop(1), 'w')\n"
    code += "events = ('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn')\n"
    code += "sys.addaudithook(lambda name, given: log.write(f'{name} {given}\\n') if name in events else None)\nmain()"
    command = [sys.executable, "-c", code, str(log), "flash", *given, "--to", str(tmp_path / "card.img")]
    at = command.index("--wifi-password-file")
    del command[at : at + 2]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "EDGESEG_WIFI_PASSWORD": WIFI_PASSWORD}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert (tmp_path / "card.img").exists()
    for secret in (WIFI_PASSWORD, PASSWORD, "$6$"):
        assert secret not in result.stdout + result.stderr + log.read_text()


def test_a_password_is_asked_for_where_none_is_given(given: list[str], tmp_path: Path) -> None:
    at = given.index("--wifi-password-file")
    words = given[:at] + given[at + 2 :]
    assert run(*words, "--to", tmp_path / "card.img", typed=WIFI_PASSWORD + "\n").exit_code == 0
    result = run(*words, "--to", tmp_path / "none.img")
    assert "the password of 'Net' is missing" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--hostname", "a b"), "no host name"),
        (("--hostname", "line1.local"), "without .local"),
        (("--country", "UK"), "write GB"),
        (("--to", "/"), "is a folder"),
        (("--to", "/no/such/folder/card.img"), "/no/such/folder: is no folder"),
        (("--json",), "--json goes with --inspect"),
        (("--camera", "a b"), "no camera overlay"),
        (("--ssh-key", "nothing.pub"), "nothing.pub: cannot be read"),
        (("--", "--sorce", "0"), "after -- : No such option"),
        (("--", "--help"), "no option for a board"),
        (("--", "--token", "x"), "use --token-file"),
        (("--", "--frames", "5"), "leave out --frames"),
        (("--", "--out", "mqtt://me:pw@broker/x"), "--mqtt-password-file"),
        (("--", "--out=mqtts://me:p/w@broker/x"), "--mqtt-password-file"),
        (("more",), "'more' is one too many"),
    ],
)
def test_a_slip_is_told_before_the_image_is_touched(
    words: tuple[str, ...], message: str, given: list[str], tmp_path: Path
) -> None:
    assert message in refusal(*given, "--to", tmp_path / "card.img", *words)
    assert not (tmp_path / "card.img").exists()


def test_options_of_a_board_without_a_bundle_are_refused(trixie: Path, tmp_path: Path) -> None:
    for words in (("--hostname", "a"), ("--dry-run",), ("--page", "0.0.0.0:80")):
        assert f"{words[0]} goes with --bundle" in refusal(trixie, "--to", tmp_path / "x.img", *words)
    assert "'--source' goes with --bundle" in refusal(trixie, "--to", tmp_path / "x.img", "--", "--source")


def test_an_image_that_was_customised_is_refused(given: list[str], tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    assert run(*given, "--to", card).exit_code == 0
    assert "customised by edgeseg before" in refusal(card, *given[1:], "--to", tmp_path / "next.img", code=1)


def test_inspecting_tells_all_as_json_and_fails_where_something_is_wrong(given: list[str], tmp_path: Path) -> None:
    from edgeseg.customise.fat import open_fat

    card = tmp_path / "card.img"
    assert run(*given, "--to", card).exit_code == 0
    result = run("--inspect", card, "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "waiting")
    told = {"format": 1, "state": "failed", "stage": "unpack", "message": "no \x1b[31mroom"}
    with open_fat(card, writable=True) as fat:
        fat.write("edgeseg/first-boot.json", json.dumps(told).encode())
    result = run("--inspect", card)
    assert getattr(result.exception, "exit_code", 0) == 1
    assert "first boot: failed at unpack\n    message: no ?[31mroom\n" in result.stdout
    assert "see the message" in str(result.exception)


def test_a_board_that_runs_is_fine_whatever_became_of_the_cards_files(given: list[str], tmp_path: Path) -> None:
    from edgeseg.customise.fat import open_fat

    card = tmp_path / "card.img"
    assert run(*given, "--to", card).exit_code == 0
    with open_fat(card, writable=True) as fat:
        fat.write("edgeseg/bundle.edgeseg", b"")
        fat.write("edgeseg/first-boot.json", b'{"format": 1, "state": "running", "stage": "done"}')
    result = run("--inspect", card)
    assert (result.exit_code, result.exception) == (0, None)
    assert "files: no longer what was written: bundle.edgeseg\n" in result.stdout
    assert "next: nothing: open the page" in result.stdout


def test_a_file_in_the_way_of_an_option_is_named(given: list[str], tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    assert "is no text in UTF-8" in refusal(*given, "--ssh-key", tmp_path / "binary", "--to", tmp_path / "x.img")


def test_no_file_is_replaced_unasked_and_never_what_the_card_is_made_from(given: list[str], tmp_path: Path) -> None:
    card, image, bundle = tmp_path / "card.img", given[0], given[2]
    card.write_text("somebody's own")
    assert "give --yes to replace it" in refusal(*given, "--to", card)
    assert card.read_text() == "somebody's own"
    assert run(*given, "--to", card, "--yes").exit_code == 0
    for own in (image, bundle):
        assert "is what the card is made from" in refusal(*given, "--to", own, "--yes")


def test_a_file_in_the_place_of_a_key_is_not_shown(given: list[str], tmp_path: Path) -> None:
    said = refusal(*given, "--to", tmp_path / "card.img", "--ssh-key", tmp_path / "wifi")
    assert "wifi: holds no public SSH key" in said
    assert WIFI_PASSWORD not in said
