from pathlib import Path

import pytest

from edgeseg.errors import UsageError
from edgeseg.training.augment import Augmentation
from edgeseg.training.recipe import changed, names, read_recipe
from edgeseg.training.settings import configure

TEXT = """
title = "For a test"
data = "none"
model = "nano"
size = [96, 128]
learning_rate = 1
epochs = 7
[augmentation]
scale = [0.5, 2]
paste = 0.5
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def test_a_recipe_gives_the_settings_and_options_win(recipe: Path) -> None:
    config = configure({"recipe": str(recipe), "epochs": 3})
    assert (config.model, config.size, config.epochs, config.learning_rate) == ("nano", (96, 128), 3, 1.0)
    assert config.augmentation == Augmentation(scale=(0.5, 2.0), paste=0.5)
    assert config.recipe == f"{recipe}, changed: epochs"
    assert changed(config.recipe, ["batch", "epochs"]) == f"{recipe}, changed: batch, epochs"
    assert configure({"recipe": str(recipe), "epochs": 7}).recipe == str(recipe)


@pytest.mark.parametrize("name", names())
def test_every_recipe_that_comes_along_can_be_followed(name: str) -> None:
    config = configure({"recipe": name})
    assert config.model in {"nano": ("nano", "nano-lite0"), "small": ("small",)}[name.rpartition("-")[2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"unknown key 'epoch'; did you mean 'epochs'\?"),
        ("colour = 3", "unknown key 'colour'; known are batch, "),
        ("qat = true", "unknown key 'qat'"),
        ("epochs = 2.5", r"epochs is 2\.5; it takes a whole number"),
        ("epochs = true", "epochs is True; it takes a whole number"),
        ("weights = 3", "weights is 3; it takes a text"),
        ("size = [96]", r"size is \[96\]; it takes a list of 2 numbers"),
        ("size = 96", r"size is 96; it takes a list of 2 numbers"),
        ("size = ['a', 3]", "size is 'a'; it takes a whole number"),
        ("augmentation = 3", r"\[augmentation\]"),
        ("[augmentation]\nzoom = 3", "unknown key 'zoom'"),
        ("[augmentation]\ntitle = 'views'", "unknown key 'title'"),
        ("[augmentation]\nscale = [0, 1]", r"mine\.toml: scale is from a number above 0"),
        ("[augmentation]\npaste = 7", "paste is from 0 to 1, not 7"),
        ("epochs = ", "is no TOML"),
    ],
)
def test_what_no_training_has_is_refused(recipe: Path, text: str, message: str) -> None:
    recipe.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_recipe(str(recipe))


def test_a_recipe_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"no recipe is called 'lane'; known recipes are .*street-small.*TOML file"):
        read_recipe("lane")
