"""From what a user gave to a configuration; Keras is not loaded for it, so mistakes are told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeseg.errors import ModelError, UsageError
from edgeseg.model_info import ModelInfo, read_info
from edgeseg.training.recipe import read_recipe
from edgeseg.training.run import IMAGENET, TrainConfig, best_model
from edgeseg.uri import can_be_name

QAT_DEFAULTS = {"epochs": 10, "learning_rate": 1e-4}
TRANSFER_DEFAULTS = {"encoder_rate": 0.25}


def configure(settings: dict[str, Any]) -> TrainConfig:
    """A configuration from the `settings` that a user gave; the rest is as the recipe or the weights have it.

    Raises UsageError for settings that contradict the network in `weights` or that no
    training has, ModelError where those are no model.
    """
    if settings.get("recipe"):
        settings = read_recipe(settings["recipe"]) | settings
    settings = settings | {key: trained(settings[key]) for key in ("weights", "teacher") if settings.get(key)}
    weights, qat = settings.get("weights"), settings.get("qat", False)
    if not weights:
        return TrainConfig(**settings)
    if weights == IMAGENET:
        if qat:
            raise UsageError("--qat goes on from a network that knows the classes; name its run folder with --weights")
        return TrainConfig(**(TRANSFER_DEFAULTS | settings))
    info = weights_info(Path(weights))
    own: dict[str, Any] = {"model": info.architecture, "channels": info.channels, "size": info.size}
    options = {"channels": "--grey", **({"model": "--model", "size": "--size"} if qat else {})}
    for name, option in options.items():
        if settings.get(name, own[name]) != own[name]:
            described = f"{info.architecture} at {info.size[0]}x{info.size[1]} with {info.channels} channels"
            raise UsageError(f"{weights}: is {described}; leave out {option}, or give other --weights")
    return TrainConfig(**(own | (QAT_DEFAULTS if qat else TRANSFER_DEFAULTS) | settings))


def trained(name: str) -> str:
    """The file of that name in the zoo; what is no such name, as it is.

    Raises UsageError that lists the names for what can be nothing but one.
    """
    if name == IMAGENET or not can_be_name(name):
        return name
    from edgeseg import zoo

    return str(zoo.weights(name))


def weights_info(path: Path) -> ModelInfo:
    """What the network in a run folder or `.keras` file says of itself.

    Raises ModelError where it cannot be trained on: no network, without classes, or for int8 already.
    """
    model = best_model(path)
    if not model.is_file() or model.suffix != ".keras":
        raise ModelError(f"{path}: is no trained network; give a run folder, a .keras file or a zoo name to --weights")
    info = read_info(model)
    if info is None:
        raise ModelError(f"{path}: does not name its classes; give a run folder of edgeseg to --weights")
    if info.provenance.get("qat"):
        raise ModelError(already_int8(path))
    return info


def already_int8(path: Path) -> str:
    """Why a network cannot be trained on."""
    return f"{path}: was trained for int8 already; give the float run that it began from"
