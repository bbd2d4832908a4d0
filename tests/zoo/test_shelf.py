import json
import tomllib
from pathlib import Path

import pytest

from edgeseg.errors import ModelError, UsageError
from edgeseg.training import recipe
from edgeseg.zoo import entries, entry, names, weights
from edgeseg.zoo.shelf import CATALOGUE, SHELF


def test_a_model_without_its_file_is_not_offered(shelf: Path) -> None:
    assert [each.name for each in entries(shelf)] == ["belt-small", "belt-nano"]
    assert "belt-medium" not in names(shelf)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("belt-small", "belt-small.tflite"),
        ("belt", "belt-small.tflite"),
        ("belt-small-logits", "belt-small-logits.tflite"),
        ("belt-logits", "belt-small-logits.tflite"),
        ("belt-nano", "belt-nano.tflite"),
        ("belt-nano-logits", None),
        ("sand", None),
    ],
)
def test_names_stand_for_files_that_are_there(shelf: Path, name: str, file: str | None) -> None:
    known = {name: path for name, (_, path) in names(shelf).items()}
    assert known.get(name) == (shelf / file if file else None)


def test_an_unknown_name_is_answered_with_the_names_there_are(shelf: Path) -> None:
    with pytest.raises(UsageError, match=r"'sand' is no .* has belt-small, belt, belt-nano\)"):
        entry("sand", shelf)


def test_an_empty_shelf_offers_nothing(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / CATALOGUE).write_text((shelf / CATALOGUE).read_text())
    assert entries(tmp_path) == []
    with pytest.raises(UsageError, match="the zoo is empty"):
        entry("belt", tmp_path)


def test_weights_are_the_float_network(shelf: Path) -> None:
    assert weights("belt", shelf) == shelf / "belt-small.keras"
    with pytest.raises(ModelError, match=r"belt-nano\.keras: is not there"):
        weights("belt-nano", shelf)


def test_an_entry_says_what_file_and_catalogue_know(shelf: Path) -> None:
    found = entry("belt", shelf)
    assert found.notice == "belt-small: The belt, for tests only"
    told = json.loads(json.dumps(found.to_json()))
    assert told["classes"] == ["belt", "washer", "nut", "bolt", "scratch"]
    assert told["size"] == [64, 96]
    assert told["bytes"] == (shelf / "belt-small.tflite").stat().st_size
    assert told["provenance"]["scheme"] == "int8"
    assert told["data"]["note"] == "It is rendered, and nobody's."
    assert entry("belt-nano", shelf).to_json()["logits"] is None


def test_what_was_trained_on_is_not_taken_for_unseen(shelf: Path) -> None:
    assert entry("belt-nano", shelf).has_seen("val")
    assert not entry("belt", shelf).has_seen("val")


def test_the_folder_may_come_from_the_environment(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESEG_ZOO", str(shelf))
    assert names()["belt"][1] == shelf / "belt-small.tflite"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = 1", "version = 2", "has version 2; update edgeseg"),
        ("version = 1", "", "lacks 'version'"),
        ("version = 1", "version =", "cannot be read"),
        ('recipe = "belt-small"\n', "", "lacks 'recipe'"),
        ('data = "belt"', 'data = "sand"', "lacks 'sand'"),
        ('short = ["belt"]', 'short = "belt"', "trained_on and short are lists"),
        ("[data.belt]", "[[data]]", "cannot be read"),
        ('[models.belt-small]\nshort = ["belt"]', "[models]\nbelt-small = 3", "cannot be read"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_named(
    shelf: Path, tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = (shelf / CATALOGUE).read_text()
    assert before in text
    (tmp_path / CATALOGUE).write_text(text.replace(before, after, 1))
    with pytest.raises(ModelError, match=said) as caught:
        entries(tmp_path)
    assert str(tmp_path / CATALOGUE) in str(caught.value)


def test_a_folder_without_a_catalogue_is_no_shelf(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a shelf of models has a zoo\.toml"):
        entries(tmp_path)


def test_unknown_keys_of_a_catalogue_are_warned_of(shelf: Path, tmp_path: Path) -> None:
    text = (shelf / CATALOGUE).read_text()
    (tmp_path / CATALOGUE).write_text(text.replace('task = "belt"', 'task = "belt"\ncolour = "blue"', 1))
    with pytest.warns(UserWarning, match="unknown keys: colour"):
        entries(tmp_path)


def test_a_model_that_says_nothing_of_itself_is_refused(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / CATALOGUE).write_text((shelf / CATALOGUE).read_text())
    (tmp_path / "belt-small.tflite").write_bytes(b"\0\0\0\0TFL3")
    with pytest.raises(ModelError, match="does not say what it is"):
        entry("belt", tmp_path).to_json()


def test_edgesegs_own_catalogue_is_sound(tmp_path: Path) -> None:
    text = (SHELF / CATALOGUE).read_text()
    (tmp_path / CATALOGUE).write_text(text)
    models = tomllib.loads(text)["models"]
    for name in models:
        (tmp_path / f"{name}.tflite").touch()
    assert [each.name for each in entries(tmp_path)] == list(models)
    for each in entries(tmp_path):
        assert each.recipe in recipe.names()
        assert ("non-commercial research only" in each.notice) == (each.data.title == "CamVid")
        assert "train" in each.trained_on
