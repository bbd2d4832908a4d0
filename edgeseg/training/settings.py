"""From what a user gave to a configuration; Keras is not loaded for it, so mistakes are told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeseg.errors import ModelError, UsageError
from edgeseg.model_info import ModelInfo, read_info
from edgeseg.training.models import MODELS, with_imagenet
from edgeseg.training.pretrained import imagenet_folder
from edgeseg.training.recipe import changed, read_recipe
from edgeseg.training.run import IMAGENET, TrainConfig, best_model
from edgeseg.uri import can_be_name

QAT_DEFAULTS = {"epochs": 10, "learning_rate": 1e-4}
TRANSFER_DEFAULTS = {"encoder_rate": 0.25}


def configure(given: dict[str, Any]) -> TrainConfig:
    """A configuration from the settings that a user gave; the rest is as the recipe or the weights have it.

    Raises UsageError for settings that contradict the network in `weights` or that no
    training has, ModelError where that or the teacher is no network to begin from.
    """
    settings = _with_recipe(given) if given.get("recipe") else given
    settings = settings | {key: trained(settings[key]) for key in ("weights", "teacher") if settings.get(key)}
    weights, qat = settings.get("weights"), settings.get("qat", False)
    if not weights:
        config = TrainConfig(**settings)
    elif weights == IMAGENET:
        if qat:
            raise UsageError("--qat goes on from a network that knows the classes; name its run folder with --weights")
        config = TrainConfig(**(TRANSFER_DEFAULTS | settings))
        _require_imagenet(config)
    else:
        config = TrainConfig(**(_of_weights(weights, settings, qat) | settings))
    if config.teacher:
        teacher_info(Path(config.teacher), config.channels)
    return config


def trained(name: str) -> str:
    """The file of that name in the zoo; what is no such name, as it is.

    Raises UsageError that lists the names for what can be nothing but one.
    """
    if name == IMAGENET or not can_be_name(name):
        return name
    from edgeseg import zoo

    return str(zoo.weights(name)) if zoo.named(name) else name


def weights_info(path: Path, option: str = "--weights") -> ModelInfo:
    """What the network in a run folder or `.keras` file says of itself.

    Raises ModelError where it cannot be trained on: no network, without classes, or for int8 already.
    """
    model = best_model(path)
    if not model.is_file() or model.suffix != ".keras":
        raise ModelError(f"{path}: is no trained network; give a run folder, a .keras file or a zoo name to {option}")
    info = read_info(model)
    if info is None:
        raise ModelError(f"{path}: does not name its classes; give a run folder of edgeseg to {option}")
    if info.provenance.get("qat"):
        raise ModelError(already_int8(path))
    return info


def teacher_info(path: Path, channels: int) -> ModelInfo:
    """The same of a teacher; raises ModelError also where it takes other images than the student."""
    info = weights_info(path, "--teacher")
    if info.channels != channels:
        raise ModelError(f"{path}: takes {info.channels} channels, and the student {channels}; name another teacher")
    return info


def already_int8(path: Path) -> str:
    """Why a network cannot be trained on."""
    return f"{path}: was trained for int8 already; give the float run that it began from"


def _with_recipe(given: dict[str, Any]) -> dict[str, Any]:
    """What the recipe says, unless a user said otherwise, which its name then tells."""
    if given.get("qat"):
        raise UsageError("--qat has a schedule of its own, that no recipe gives; leave out --recipe")
    recipe = given["recipe"]
    settings = read_recipe(recipe)
    keys = [key for key in given if key != "recipe" and given[key] != settings.get(key)]
    return settings | given | ({"recipe": changed(recipe, keys)} if keys else {})


def _of_weights(weights: str, settings: dict[str, Any], qat: bool) -> dict[str, Any]:
    """What follows from the network that a training begins from."""
    info = weights_info(Path(weights))
    own: dict[str, Any] = {"model": info.architecture, "channels": info.channels, "size": info.size}
    options = {"channels": "--grey", **({"model": "--model", "size": "--size"} if qat else {})}
    for name, option in options.items():
        if settings.get(name, own[name]) != own[name]:
            described = f"{info.architecture} at {info.size[0]}x{info.size[1]} with {info.channels} channels"
            raise UsageError(f"{weights}: is {described}; leave out {option}, or give other --weights")
    return own | (QAT_DEFAULTS if qat else TRANSFER_DEFAULTS)


def _require_imagenet(config: TrainConfig) -> None:
    if not MODELS[config.model].imagenet:
        raise UsageError(f"--weights imagenet: are not of {config.model}'s shape; take --model {with_imagenet()}")
    if config.channels != 3:
        raise UsageError("--weights imagenet: were trained on colours; leave out --grey")
    imagenet_folder()
