"""Which sources become which files by which schemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.schemes import SCHEMES, scheme
from edgeseg.errors import UsageError
from edgeseg.model_info import read_info
from edgeseg.training.run import best_model

ALL = "all"
NOT_FROM_TFLITE = frozenset({"int16x8", "qat"})


@dataclass(frozen=True)
class Step:
    """One conversion to come."""

    source: Path
    scheme: str
    out: Path

    @property
    def report(self) -> Path:
        """Where the report goes, beside the model."""
        return self.out.with_name(f"{self.out.stem}_report")


def plan(sources: Sequence[Path], schemes: Sequence[str], out: Path) -> list[Step]:
    """One step for `out`, a .tflite; or, for several, files SOURCE_SCHEME.tflite in the folder `out`.

    'all' stands for every scheme that suits a source. Raises UsageError where `out` fits
    neither, or two steps would write the same file.
    """
    named = [(source, name) for source in sources for each in schemes for name in _expanded(source, each)]
    pairs = list(dict.fromkeys(named))  # 'all' may name a scheme again
    if len(pairs) == 1 and out.suffix == ".tflite":
        return [Step(*pairs[0], out)]
    if out.suffix == ".tflite":
        raise UsageError(f"{out}: is one file for {len(pairs)} models; give -o a folder")
    if len(pairs) == 1 and out.suffix:
        raise UsageError(f"{out}: the output's name must end in .tflite")
    steps = [Step(source, name, out / f"{_stem(source)}_{name}.tflite") for source, name in pairs]
    if len({step.out for step in steps}) < len(steps):
        raise UsageError("two of the sources have the same name; convert them one by one")
    return steps


def _expanded(source: Path, name: str) -> list[str]:
    if name != ALL:
        return [scheme(name).NAME]
    names = [each.NAME for each in SCHEMES]
    if source.suffix == ".tflite":
        return [name for name in names if name not in NOT_FROM_TFLITE]
    if (source / "saved_model.pb").is_file():
        return [name for name in names if name != "qat"]
    info = read_info(best_model(source))
    aware = bool(info and info.provenance.get("qat"))
    return [name for name in names if (name == "qat") == aware]


def _stem(source: Path) -> str:
    return source.resolve().name.removesuffix(".keras").removesuffix(".tflite")
