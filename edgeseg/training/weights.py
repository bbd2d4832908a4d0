"""Beginning a training from a trained network instead of from chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeseg.data.dataset import Pair
from edgeseg.errors import DataError, ModelError, UsageError
from edgeseg.evaluate import evaluate
from edgeseg.files import replacing
from edgeseg.images import preprocess, read_frame
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, attach, read_info
from edgeseg.training.models import build
from edgeseg.training.predict import KerasPredictor, load_keras
from edgeseg.training.qat.fold import fold
from edgeseg.training.qat.prepare import calibrate, is_qat, prepare
from edgeseg.training.run import START, Run, TrainConfig, best_model

QAT_DEFAULTS = {"epochs": 10, "learning_rate": 1e-4}
CALIBRATION_FRAMES = 100
"""Training images that set the first ranges, at most."""
BATCH = 4

OnPrepare = Callable[[str, int, int], None]
"""Gets (stage, done, total)."""


@dataclass(frozen=True)
class Origin:
    """The network that a run begins from."""

    network: Any
    info: ModelInfo
    """Its provenance holds 'weights', 'base_miou' and, for quantization-aware training, 'qat': True."""

    def save(self, folder: Path) -> None:
        """Write it into the run folder, so that the run can be resumed where its source is gone."""
        with replacing(folder / START) as temporary:
            self.network.save(temporary)
            attach(temporary, self.info)


def configure(settings: dict[str, Any]) -> TrainConfig:
    """A configuration from the `settings` that a user gave; the rest is by default, or as `weights` have it.

    Raises UsageError for settings that contradict the network in `weights`, ModelError where those are no model.
    """
    weights, qat = settings.get("weights"), settings.get("qat", False)
    if not weights:
        return TrainConfig(**settings)
    info = _info(Path(weights))
    own: dict[str, Any] = {"model": info.architecture, "channels": info.channels, "size": info.size}
    options = {"model": "--model", "channels": "--grey", **({"size": "--size"} if qat else {})}
    for name, option in options.items():
        if settings.get(name, own[name]) != own[name]:
            described = f"{info.architecture} at {info.size[0]}x{info.size[1]} with {info.channels} channels"
            raise UsageError(f"{weights}: is {described}; leave out {option}, or give other --weights")
    return TrainConfig(**(own | (QAT_DEFAULTS if qat else {}) | settings))


def open_origin(
    config: TrainConfig, labels: Labels, train: Sequence[Pair], val: Sequence[Pair], on_prepare: OnPrepare | None = None
) -> Origin:
    """Load `config.weights`, score them on `val`, and prepare them for what `config` asks.

    Raises ModelError where they do not fit, DataError where their classes are not `labels`.
    """
    assert config.weights is not None
    path = Path(config.weights)
    info = _info(path)
    network, _ = load_keras(best_model(path))
    if is_qat(network):
        raise ModelError(_already(path))
    if info.labels.names != labels.names:
        raise DataError(
            f"{path}: knows the classes {', '.join(info.labels.names)}; the data have {', '.join(labels.names)}: "
            "use data with the same labels"
        )

    def tell(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: on_prepare(stage, done, total) if on_prepare else None

    if config.qat:
        try:
            folded = fold(network)
            prepared = prepare(folded)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        _calibrate(prepared, folded, train, tell("calibrated"))
    else:
        prepared = network
        _transfer(network, config, info, path)
    miou = evaluate(KerasPredictor(network), val, labels, tell("scored the start")).miou
    provenance = {"weights": path.name, "base_miou": miou} | ({"qat": True} if config.qat else {})
    return Origin(prepared, replace(info, labels=labels, provenance=provenance))


def start_network(run: Run) -> Any:
    """The network that `run` trains, with the weights it began from, if any.

    Raises DataError where the run folder lost them.
    """
    config = run.config
    if not config.weights:
        return build(config.model, config.size, config.channels, run.labels.num_classes)
    network, info = load_keras(_start(run))
    return network if config.qat or not info else _transfer(network, config, info, run.path)


def lineage(run: Run) -> dict[str, Any]:
    """What a model of `run` says of the network it began from; empty where it began from chance."""
    info = read_info(_start(run)) if run.config.weights else None
    return dict(info.provenance) if info else {}


def _start(run: Run) -> Path:
    path = run.path / START
    if not path.is_file():
        raise DataError(f"{run.path}: has lost its {START}; begin anew with --force")
    return path


def _info(path: Path) -> ModelInfo:
    model = best_model(path)
    if not model.is_file() or model.suffix != ".keras":
        raise ModelError(f"{path}: is no trained network; give a run folder or a .keras file to --weights")
    info = read_info(model)
    if info is None:
        raise ModelError(f"{path}: does not name its classes; give a run folder of edgeseg to --weights")
    if info.provenance.get("qat"):
        raise ModelError(_already(path))
    return info


def _already(path: Path) -> str:
    return f"{path}: was trained for int8 already; give the float run that it began from"


def _calibrate(prepared: Any, folded: Any, train: Sequence[Pair], on_count: Callable[[int, int], None]) -> None:
    _, height, width, channels = folded.input_shape
    count = min(CALIBRATION_FRAMES, len(train))
    chosen = [train[i] for i in np.linspace(0, len(train) - 1, count).astype(int)]
    groups = [chosen[start : start + BATCH] for start in range(0, count, BATCH)]
    done = iter(range(1, len(groups) + 1))
    batches = (
        np.stack([preprocess(read_frame(pair.image), (height, width), channels) for pair in group]).astype(np.float32)
        for group in groups
    )
    calibrate(prepared, folded, batches, lambda: on_count(next(done), len(groups)))


def _transfer(source: Any, config: TrainConfig, info: ModelInfo, path: Path) -> Any:
    """A network built by `config` with the weights of `source`."""
    network = build(config.model, config.size, config.channels, info.labels.num_classes)
    old = source.get_weights()
    if [each.shape for each in old] != [tuple(each.shape) for each in network.weights]:
        raise ModelError(f"{path}: has other layers than '{config.model}' has today; train it again")
    network.set_weights(old)
    return network
