"""A run folder: what a training was asked, how it went, and the models it left."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeseg.errors import DataError, RunExistsError, UsageError
from edgeseg.files import write_json
from edgeseg.labels import Labels
from edgeseg.training.augment import Augmentation
from edgeseg.training.models import check_size

VERSION = 2
"""2 draws other views and may have a teacher; a run of 1 can be read, but not continued."""
CONFIG, BEST, STATE, HISTORY, PLOT = "run.json", "best.keras", "state.npz", "history.json", "history.png"
START = "start.keras"
"""The network that a run with `weights` began from."""
TEACHER = "teacher.keras"
"""The one that a run with a `teacher` learns from."""
IMAGENET = "imagenet"
"""Stands in `weights` for those of the encoder alone, which a package carries."""

LARGEST = 2048
"""Rows or columns of an input; more is a slip of the pen."""
LOSSES = ("ce", "focal", "dice")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class TrainConfig:
    """All that a training depends on, besides the data."""

    model: str = "small"
    size: tuple[int, int] = (240, 320)
    """Input (height, width)."""
    channels: int = 3
    epochs: int = 100
    batch: int = 8
    learning_rate: float = 2e-3
    """Peak of the schedule: linear warm-up, then cosine to zero."""
    warmup_steps: int = 100
    """At most; a tenth of a short run."""
    weight_decay: float = 0.02
    """Decoupled, on kernels alone."""
    clip_norm: float = 5.0
    loss: str = "ce"
    class_power: float = 0.25
    """Class weights are the classes' share of pixels to minus this power."""
    loss_stride: int = 2
    """Pixels of input for one pixel of the labels that the loss sees."""
    ema_steps: int = 200
    """Memory of the averaged weights in steps; at most a tenth of the run, and a ninth of the steps so far."""
    patience: int = 0
    """Stop after so many epochs without a better val mIoU; 0 never."""
    seed: int = 0
    precision: str = "auto"
    """'float32', 'mixed_bfloat16', 'mixed_float16', or 'auto': mixed where a GPU is there."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    weights: str | None = None
    """A run folder or `.keras` file to begin from, or 'imagenet'; None for chance."""
    encoder_rate: float = 1.0
    """Learning rate of the encoder (layers called stem… and stage…), as a share of the others'; 0 keeps it as it is.
    `fcn` has no such layers."""
    teacher: str | None = None
    """A run folder or `.keras` file of the same classes, whose scores are learned beside the labels."""
    teacher_weight: float = 1.0
    """Of its part of the loss."""
    temperature: float = 2.0
    """By which both scores are divided there."""
    recipe: str | None = None
    """Name of the recipe that gave the settings."""
    licence: str | None = None
    """What binds who uses a model of these data; each file that is made of it says so."""
    qat: bool = False
    """Quantization-aware: compute as int8 will, in float32."""

    def __post_init__(self) -> None:
        for name, least in {
            "epochs": 1,
            "batch": 1,
            "loss_stride": 1,
            "ema_steps": 1,
            "seed": 0,
            "patience": 0,
            "warmup_steps": 0,
        }.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.loss not in LOSSES:
            raise UsageError(f"no loss is called '{self.loss}'; known losses are {', '.join(LOSSES)}")
        if min(self.size) < 1 or max(self.size) > LARGEST:
            raise UsageError(f"a size has from 1 to {LARGEST} rows and columns, not {self.size[0]}x{self.size[1]}")
        if self.loss_stride > min(self.size):
            raise UsageError(f"loss_stride must be at most {min(self.size)}, not {self.loss_stride}")
        if self.channels not in (1, 3):
            raise UsageError(f"channels must be 3 (RGB) or 1 (grey), not {self.channels}")
        if self.precision not in PRECISIONS:
            raise UsageError(f"no precision is called '{self.precision}'; known are {', '.join(PRECISIONS)}")
        if not 0 <= self.encoder_rate <= 1:
            raise UsageError(f"encoder_rate is from 0 to 1, not {self.encoder_rate}")
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"the learning rate must be above 0, not {self.learning_rate}")
        for name in ("weight_decay", "clip_norm", "class_power", "teacher_weight", "temperature"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} must be a number from 0, not {getattr(self, name)}")
        if not (self.clip_norm and self.temperature):
            raise UsageError("clip_norm and temperature must be above 0")
        if self.qat and not self.weights:
            raise UsageError("--qat goes on from a trained network; name its run folder with --weights RUN")
        if self.qat and self.precision not in ("auto", "float32"):
            raise UsageError(f"--qat computes in float32, not {self.precision}; leave out --precision")
        if not self.qat:  # else the network is not built but taken as it is
            check_size(self.model, self.size)
        if self.qat and self.teacher:
            raise UsageError("--qat has no teacher; leave out --teacher")


def config_from_json(data: dict[str, Any]) -> TrainConfig:
    """Read back what `dataclasses.asdict` wrote; warns of keys it does not know."""
    known = {each.name for each in dataclasses.fields(TrainConfig)}
    unknown = sorted(set(data) - known)
    if unknown:
        warnings.warn(f"run.json has unknown keys: {', '.join(unknown)}", stacklevel=2)
    kept = {key: value for key, value in data.items() if key in known}
    kept["size"] = tuple(kept["size"])
    ranges: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in kept["augmentation"].items()
    }
    kept["augmentation"] = Augmentation(**ranges)
    return TrainConfig(**kept)


@dataclass(frozen=True)
class Run:
    """An existing or new run folder."""

    path: Path
    config: TrainConfig
    labels: Labels
    data: str
    """Name of the data set's folder."""
    data_sha256: str
    """`Dataset.fingerprint` of the train part."""
    version: int = VERSION

    def save(self) -> None:
        """Write run.json."""
        written = {
            "version": self.version,
            "data": self.data,
            "data_sha256": self.data_sha256,
            "labels": self.labels.to_json(),
            "config": dataclasses.asdict(self.config),
        }
        write_json(self.path / CONFIG, written)

    def history(self) -> list[dict[str, Any]]:
        """One entry an epoch; empty before the first."""
        file = self.path / HISTORY
        return list(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else []


def open_run(path: Path) -> Run:
    """Read a run folder; raises DataError where it is none or is damaged."""
    file = path / CONFIG
    if not file.is_file():
        raise DataError(f"{path}: is no run folder (it has no {CONFIG}); make one with  edgeseg train DATA -o {path}")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["version"] > VERSION:
            raise DataError(f"{file}: has version {data['version']}; update edgeseg to read it")
        labels = Labels.from_json(data["labels"])
        config = config_from_json(data["config"])
        return Run(path, config, labels, data["data"], data["data_sha256"], data["version"])
    except DataError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: cannot be understood ({error}); train again into another folder") from error


def refuse_existing(path: Path) -> None:
    """Raise RunExistsError where `path` holds anything."""
    if path.is_file():
        raise RunExistsError(f"{path}: is a file; give the name of a folder")
    if path.is_dir() and any(path.iterdir()):
        raise RunExistsError(f"{path}: is there already; continue it with --resume, or begin anew with --force")


def best_model(path: Path) -> Path:
    """The model file that `path` means: itself, or the best of a run folder.

    Raises DataError where the run has none yet.
    """
    if not path.is_dir():
        return path
    best = path / BEST
    if not best.is_file():
        open_run(path)
        raise DataError(f"{path}: holds no {BEST} yet; finish an epoch with  edgeseg train DATA -o {path} --resume")
    return best
