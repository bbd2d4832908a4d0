"""Runs a bundle's golden frames on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.manifest import COMPILED, MODEL, GoldenFrame
from edgeseg.bundle.record import Record
from edgeseg.errors import DataError, GateError, ModelError
from edgeseg.images import read_frame
from edgeseg.metrics import pixel_agreement
from edgeseg.segmenter import Segmenter
from edgeseg.selftest.stages import STAGES, Case


@dataclass(frozen=True)
class Outcome:
    """One stage of one golden frame with one model."""

    model: str
    """The bundle's member."""
    frame: str
    stage: str
    fine: bool
    detail: str


@dataclass(frozen=True)
class Report:
    """What a self-test found."""

    bundle: str
    release: str
    models: tuple[str, ...]
    """Members that were run."""
    notes: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    agreement: float
    """All stages in a row, model.tflite: share of equal pixels over the golden frames, 0..1; informative."""

    @property
    def differing(self) -> tuple[str, ...]:
        """Stages that differ, in their order."""
        found = {each.stage for each in self.outcomes if not each.fine}
        return tuple(name for name, _ in STAGES if name in found)

    def require(self) -> None:
        """Raise GateError that names the stages that differ, and says what was measured where."""
        if not self.differing:
            return
        worst = next(each for each in self.outcomes if not each.fine and each.stage == self.differing[0])
        where = f"{worst.frame} with {worst.model}: {worst.detail}"
        raise GateError(f"this machine differs in {' and '.join(self.differing)}; {where}")

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg selftest --json` prints; fractions of 1."""
        found = {name: getattr(self, name) for name in ("bundle", "release", "models", "notes", "agreement")}
        return {
            "fine": not self.differing,
            "differing": self.differing,
            **found,
            "outcomes": [vars(each) for each in self.outcomes],
        }


def selftest(path: Path, on_progress: Callable[[int, int], None] | None = None) -> Report:
    """Test the bundle at `path`, a file or an extracted folder, on this machine; see `edgeseg.selftest.stages`.

    Every member is proven whole first. `on_progress` gets golden frames done and to do. Raises
    ModelError for a bundle that is damaged, or whose CPU model cannot be run here.
    """
    with _extracted(Bundle.open(path)) as bundle:
        models = [(MODEL, Segmenter(bundle.path / MODEL, labels=bundle.manifest.labels))]
        notes = list(models[0][1].notes)
        if COMPILED in bundle.manifest.members:
            try:
                models.append((COMPILED, Segmenter(bundle.path / COMPILED, labels=bundle.manifest.labels)))
            except ModelError as error:
                why = str(error).removeprefix(f"{bundle.path / COMPILED}: ").partition("; ")[0]
                notes.append(f"{COMPILED} was not tested, for it {why}; {MODEL} was")
        outcomes, agreements = [], []
        for number, each in enumerate(bundle.manifest.golden):
            for name, segmenter in models:
                case = _case(bundle, each, segmenter)
                for stage, judge in STAGES:
                    outcomes.append(Outcome(name, each.name, stage, *vars(judge(case)).values()))
                if name == MODEL:
                    agreements.append(_in_a_row(case))
            if on_progress:
                on_progress(number + 1, len(bundle.manifest.golden))
        named = tuple(name for name, _ in models)
        agreement = float(np.mean(agreements))
        return Report(bundle.manifest.name, bundle.release, named, tuple(notes), tuple(outcomes), agreement)


@contextmanager
def _extracted(bundle: Bundle) -> Iterator[Bundle]:
    """The bundle as a folder, since a runtime wants files; proven whole."""
    if bundle.path.is_dir():
        bundle.verify()
        yield bundle
        return
    with tempfile.TemporaryDirectory(prefix="edgeseg-") as folder:
        out = Path(folder) / "bundle"
        bundle.extract(out)
        yield Bundle.open(out)


def _case(bundle: Bundle, frame: GoldenFrame, segmenter: Segmenter) -> Case:
    """Raises ModelError for records that do not belong to the model."""
    record = Record.from_bytes(bundle.read(frame.stages))
    data = np.frombuffer(bundle.read(frame.mask), np.uint8)
    mask = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    pictures = mask is not None and mask.shape == segmenter.size == record.picture.shape[:2]
    ids = segmenter.output == "labels"
    if not pictures or record.picture.shape[2] != segmenter.channels or ids != (record.raw.ndim == 2):
        raise ModelError(f"{bundle.path}: the golden frame {frame.name} is not for this model; make the bundle again")
    return Case(segmenter, bundle.path / frame.frame, record, np.asarray(mask, np.uint8), bundle.manifest.bounds)


def _in_a_row(case: Case) -> float:
    try:
        return pixel_agreement(case.segmenter.label_map(read_frame(case.file)), case.mask)
    except (DataError, ModelError):
        return 0.0
