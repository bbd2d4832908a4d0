import json
from pathlib import Path

import pytest

from edgeseg.customise.card_image import apply, unpacked
from edgeseg.customise.fat import open_fat
from edgeseg.customise.inspect import inspect
from edgeseg.customise.settings import Settings
from edgeseg.errors import DataError, UsageError
from edgeseg.flash.image import open_image
from edgeseg.flash.write import write_file


@pytest.fixture
def card(trixie: Path, settings: Settings, tmp_path: Path) -> Path:
    with unpacked(open_image(trixie), settings) as found:
        made, block_map = apply(found)
        write_file(made, tmp_path / "card.img", block_map=block_map)
    return tmp_path / "card.img"


def put(card: Path, name: str, data: bytes) -> None:
    with open_fat(card, writable=True) as fat:
        fat.write(name, data)


def report(card: Path, **told: object) -> None:
    put(card, "edgeseg/first-boot.json", json.dumps({"format": 1, **told}).encode())


def test_a_fresh_card_is_whole_and_waits(card: Path) -> None:
    found = inspect(card)
    assert (found.state, found.damaged, found.fine, found.secrets_left) == ("waiting", (), True, True)
    assert "put the card into the board" in found.advice
    assert found.card["applied"]["way"] == "cloud-init"


@pytest.mark.parametrize(
    ("state", "fine", "advice"),
    [
        ("begun", True, "did not get to its end"),
        ("running", True, "open the page"),
        ("failed", False, "see the message"),
        ("odd", False, "see the message"),
    ],
)
def test_what_first_boot_said_is_told_with_what_to_do(state: str, fine: bool, advice: str, card: Path) -> None:
    report(card, state=state, stage="unpack", message="no room")
    found = inspect(card)
    assert found.fine == fine
    assert advice in found.advice
    assert found.to_json()["first_boot"]["message"] == "no room"


def test_damage_is_found_and_named(card: Path) -> None:
    put(card, "edgeseg/bundle.edgeseg", b"changed")
    found = inspect(card)
    assert (found.damaged, found.fine) == (("bundle.edgeseg",), False)
    assert "flash it again" in found.advice


def test_a_board_that_runs_needs_the_cards_files_no_more(card: Path) -> None:
    put(card, "edgeseg/bundle.edgeseg", b"changed")
    report(card, state="running", stage="done")
    found = inspect(card)
    assert (found.damaged, found.fine) == (("bundle.edgeseg",), True)
    assert "open the page" in found.advice


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": 1, "sha256": [], "applied": 1}']
)
def test_a_damaged_description_is_told_as_such(data: bytes, card: Path) -> None:
    put(card, "edgeseg/card.json", data)
    with pytest.raises(DataError, match=r"card\.json is damaged"):
        inspect(card)


def test_a_report_that_was_cut_off_counts_as_failed(card: Path) -> None:
    put(card, "edgeseg/first-boot.json", b'{"state": "run')
    assert inspect(card).state == "failed"


def test_a_mounted_folder_tells_the_same(card: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bootfs"
    with open_fat(card) as fat:
        names = ("card.json", "env", *json.loads(fat.read("edgeseg/card.json") or b"")["sha256"])
        for name in names:
            (folder / "edgeseg" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "edgeseg" / name).write_bytes(fat.read(f"edgeseg/{name}") or b"")
    assert inspect(folder) == inspect(card)


def test_other_cards_are_refused(trixie: Path, tmp_path: Path, card: Path) -> None:
    with pytest.raises(DataError, match="was not customised by edgeseg"):
        inspect(trixie)
    with pytest.raises(DataError, match="was not customised by edgeseg"):
        inspect(tmp_path)
    with pytest.raises(UsageError, match="is not there"):
        inspect(tmp_path / "nothing")
    put(card, "edgeseg/card.json", b'{"format": 2}')
    with pytest.raises(DataError, match="newer edgeseg"):
        inspect(card)
