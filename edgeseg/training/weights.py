"""What a training begins from, where that is not chance; and whom it learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeseg.data.dataset import Pair
from edgeseg.errors import DataError, ModelError
from edgeseg.evaluate import evaluate
from edgeseg.files import replacing
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, attach, read_info
from edgeseg.training.backend import keras
from edgeseg.training.models import build
from edgeseg.training.predict import KerasPredictor, load_keras
from edgeseg.training.pretrained import lite0
from edgeseg.training.qat.begin import begin
from edgeseg.training.qat.prepare import is_qat
from edgeseg.training.run import IMAGENET, START, TEACHER, Run, TrainConfig, best_model
from edgeseg.training.settings import already_int8, teacher_info, weights_info
from edgeseg.training.transfer import transfer

OnPrepare = Callable[[str, int, int], None]
"""Gets (stage, done, total)."""


@dataclass(frozen=True)
class Origin:
    """The network that a run begins from."""

    network: Any
    info: ModelInfo
    """Its provenance holds 'weights' and their 'licence', if any; 'base_miou' where the classes are the same; for
    quantization-aware training 'qat': True."""
    left: tuple[str, ...] = ()
    """Layers that begin from chance."""

    def save(self, folder: Path, name: str = START) -> None:
        """Write it into the run folder, so that the run can be resumed where its source is gone."""
        with replacing(folder / name) as temporary:
            self.network.save(temporary)
            attach(temporary, self.info)

    def describe(self) -> str:
        """How much of the network was trained before: one line."""
        own = [layer.name for layer in self.network.layers if layer.weights]
        known = len(own) - len(self.left)
        text = f"{self.name}: {known} of {len(own)} layers were trained before"
        return f"{text}; from chance begin {_listed(self.left)}" if self.left else text

    @property
    def name(self) -> str:
        """Where it comes from, and what binds who uses it."""
        source, licence = self.info.provenance["weights"], self.info.provenance.get("licence")
        return f"{source} ({licence})" if licence else str(source)


def open_origin(
    config: TrainConfig, labels: Labels, train: Sequence[Pair], val: Sequence[Pair], on_prepare: OnPrepare | None = None
) -> Origin:
    """Load `config.weights`, and prepare them for what `config` asks; a network that is the same, score on `val`.

    Raises ModelError where they do not fit, DataError where `config.qat` and their classes are not `labels`.
    """
    assert config.weights is not None
    keras.utils.set_random_seed(config.seed)  # for the layers that begin from chance
    if config.weights == IMAGENET:
        return _from_imagenet(config, labels)
    path = Path(config.weights)
    info = weights_info(path)
    network, _ = load_keras(best_model(path))
    if is_qat(network):
        raise ModelError(already_int8(path))

    def tell(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: on_prepare(stage, done, total) if on_prepare else None

    if config.qat:
        _require_classes(path, info, labels)
        prepared = begin(network, path, train, tell("calibrated"))
    elif info.labels.names != labels.names or info.architecture != config.model:
        return _from_another(config, labels, network, _source(path, info))
    else:
        prepared = _rebuilt(network, config, info, path)
    miou = evaluate(KerasPredictor(network), val, labels, tell("scored the start")).miou
    provenance = _source(path, info) | {"base_miou": miou} | ({"qat": True} if config.qat else {})
    return Origin(prepared, replace(info, labels=labels, size=config.size, provenance=provenance))


def open_teacher(config: TrainConfig, labels: Labels) -> Origin:
    """Load `config.teacher`; raises ModelError where it is no network of `channels`, DataError for other classes."""
    assert config.teacher is not None
    path = Path(config.teacher)
    info = teacher_info(path, config.channels)
    _require_classes(path, info, labels)
    network, _ = load_keras(best_model(path))
    return Origin(network, replace(info, provenance=_source(path, info)))


def start_network(run: Run) -> Any:
    """The network that `run` trains, with the weights it began from, if any.

    Raises DataError where the run folder lost them.
    """
    config = run.config
    if not config.weights:
        return build(config.model, config.size, config.channels, run.labels.num_classes)
    network, info = load_keras(_kept(run, START))
    return network if config.qat or not info else _rebuilt(network, config, info, run.path)


def teacher_network(run: Run) -> Any:
    """The network that `run` learns from; raises DataError where the run folder lost it."""
    return load_keras(_kept(run, TEACHER))[0]


def lineage(run: Run) -> dict[str, Any]:
    """What a model of `run` says of where it comes from: recipe, weights, teacher, and the licences of all."""
    config = run.config
    told: dict[str, Any] = {}
    if config.recipe:
        told["recipe"] = Path(config.recipe).name
    licences = [config.licence]
    if config.weights and (info := read_info(_kept(run, START))):
        told |= info.provenance
        licences.append(told.get("licence"))
    if config.teacher and (info := read_info(_kept(run, TEACHER))):
        told["teacher"] = info.provenance["weights"]
        licences.append(info.provenance.get("licence"))
    if any(licences):
        told["licence"] = "; ".join(dict.fromkeys(each for each in licences if each))
    return told


def _kept(run: Run, name: str) -> Path:
    path = run.path / name
    if not path.is_file():
        raise DataError(f"{run.path}: has lost its {name}; begin anew with --force")
    return path


def _from_imagenet(config: TrainConfig, labels: Labels) -> Origin:
    network = build(config.model, config.size, config.channels, labels.num_classes)
    filled = set(lite0.load_into(network))
    left = tuple(layer.name for layer in network.layers if layer.weights and layer.name not in filled)
    return Origin(network, _new_info(config, labels, {"weights": IMAGENET}), left)


def _from_another(config: TrainConfig, labels: Labels, network: Any, source: dict[str, Any]) -> Origin:
    """A new network with those layers of `network` that fit it."""
    target = build(config.model, config.size, config.channels, labels.num_classes)
    try:
        left = transfer(network, target)
    except ModelError as error:
        raise ModelError(f"{source['weights']}: {error}") from error
    return Origin(target, _new_info(config, labels, source), tuple(left))


def _new_info(config: TrainConfig, labels: Labels, source: dict[str, Any]) -> ModelInfo:
    return ModelInfo(config.model, labels, config.size, config.channels, "logits", source)


def _source(path: Path, info: ModelInfo) -> dict[str, Any]:
    licence = info.provenance.get("licence")
    return {"weights": path.name} | ({"licence": licence} if licence else {})


def _require_classes(path: Path, info: ModelInfo, labels: Labels) -> None:
    if info.labels.names != labels.names:
        raise DataError(
            f"{path}: knows the classes {', '.join(info.labels.names)}; the data have {', '.join(labels.names)}: "
            "use data with the same labels"
        )


def _rebuilt(source: Any, config: TrainConfig, info: ModelInfo, path: Path) -> Any:
    """A network built by `config` with the weights of `source`, which is the same but for its input's size."""
    network = build(config.model, config.size, config.channels, info.labels.num_classes)
    old = source.get_weights()
    if [each.shape for each in old] != [tuple(each.shape) for each in network.weights]:
        raise ModelError(f"{path}: has other layers than '{config.model}' has today; train it again")
    network.set_weights(old)
    return network


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
