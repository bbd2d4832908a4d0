"""The process in which a conversion runs: `python -m converters.worker JOB.json`.

Prints one JSON object a line on standard output: {"progress": [stage, done, total]}, and at
the end {"result": {...}} or {"error": "..."}. Everything else that TensorFlow says goes to
standard error.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from converters.calibration import Coverage, spread
from converters.job import Job
from converters.judge import Judge
from converters.latency import latency_ratio
from converters.layers import layer_of, ranked
from converters.material import Converted, Material
from converters.report.page import write_report
from converters.report.result import Result
from converters.saturation import saturating
from converters.schemes import scheme
from converters.sources import Source, open_source
from converters.tflite.metadata import write_metadata
from edgeseg.compare import Comparison, Sample, compare, labelled, unlabelled
from edgeseg.data.dataset import Pair, open_dataset
from edgeseg.errors import ConversionError, DataError, EdgesegError
from edgeseg.evaluate import Predictor, common_labels
from edgeseg.images import preprocess, read_frame
from edgeseg.labels import Labels, read_labels
from edgeseg.model_info import ModelInfo, attach
from edgeseg.segmenter import Segmenter

SEARCHED = 100
"""Images on which a search judges each model that it tries, at most."""
MEASURED = frozenset({"split", "miou", "float_miou"})
"""Provenance that belongs to the source alone: the result's is measured anew, or left out."""
UNNAMED = 255
"""Classes of a model that gives ids and names none."""
PROBED = 4
"""Images on which layers are compared."""
MAX_CLASS_DROP = 3.0
"""Points of one class's IoU that a conversion may cost unless told otherwise."""


class Work:
    """One job and what its steps share."""

    def __init__(self, job: Job, tell: Callable[[str, int, int], None]) -> None:
        self.job, self.options, self.tell = job, job.options, tell
        self.dataset = open_dataset(Path(job.dataset), self.options.ignore) if job.dataset else None
        self.pairs: tuple[Pair, ...] = self.dataset.split("val") if self.dataset and self.options.score else ()
        named = read_labels(Path(self.options.labels)) if self.options.labels else None
        known = named or (self.dataset.labels if self.dataset else None)
        self.source, self.notes = open_source(Path(job.model), self.options, self.pairs, known)
        self.labels = self._labels(named)
        self.material = Material(
            self.source, self.options, job.calibration, self._judge, lambda *at: tell("calibrate", *at)
        )
        if self.material.output not in self.source.outputs:
            raise ConversionError(
                f"{job.model}: gives {self.source.outputs[0]}; leave out --output, for a .tflite keeps what it gives"
            )

    def run(self) -> Result:
        """Convert, prove, compare, and write `job.out` and the report."""
        job, options = self.job, self.options
        chosen = scheme(job.scheme)
        if self.source.quantization_aware != (job.scheme == "qat"):
            raise ConversionError(_other_scheme(job, self.source))
        self.tell("convert", 0, 1)
        converted = chosen.convert(self.material)
        chosen.prove(converted.data)
        out = Path(job.out)
        frames = len(job.calibration) if chosen.CALIBRATES else 0
        info = self._info(frames, {})
        _write(out, converted.data, info)
        result = Segmenter(out, runtime="litert")
        comparison = self._compare(result)
        if comparison.first and comparison.second:
            source = "source_miou" if self.source.quantization_aware else "float_miou"
            figures = {source: comparison.first.scores.miou, "miou": comparison.second.scores.miou}
            info = self._info(frames, {"split": "val", **figures})
            _write(out, converted.data, info)
        report = self._result(converted, comparison, result, bool(frames))
        if options.report:
            write_report(Path(options.report), report, self.source.predictor, result, self._pair_of(), self.labels)
        return report

    def _result(
        self,
        converted: Converted,
        comparison: Comparison,
        result: Segmenter,
        calibrated: bool,
    ) -> Result:
        job, options, material = self.job, self.options, self.material
        self.tell("look into the layers", 0, 1)
        model = self.source.predictor
        paths = [pair.image for pair in self.pairs] or [Path(path) for path in job.held_out]
        images = [preprocess(read_frame(path), model.size, model.channels) for path in spread(paths, PROBED)]
        layers = ranked(material.float_model, converted.data, images, self.source.input_range)
        ratio = latency_ratio(result, self._opened(material.float_model), images)
        notes = [*self.notes, *converted.notes]
        if converted.plain:
            slower = latency_ratio(result, self._opened(converted.plain), images)
            larger = (len(converted.data) - len(converted.plain)) / 1000
            layers_kept = ", ".join(dict.fromkeys(map(layer_of, converted.float_layers)))
            notes.append(f"in float: {layers_kept}; that costs {larger:.0f} kB and {slower:.2f} times int8's time")
        coverage = Coverage(**job.coverage) if calibrated else None
        warnings = coverage.warnings() if coverage else []
        if calibrated:
            warnings += saturating(material, paths)
        source = Path(job.model)
        return Result(
            source.parent.name if source.name == "best.keras" else source.name,
            job.name,
            job.scheme,
            Path(job.out).stat().st_size,
            len(material.float_model),
            ratio,
            comparison,
            coverage,
            tuple(layers),
            converted.float_layers,
            (*notes, *result.notes),
            tuple(warnings),
            (),
        ).judged(
            options.min_agreement,
            scheme(job.scheme).MAX_DROP if options.max_drop is None else options.max_drop,
            MAX_CLASS_DROP if options.max_class_drop is None else options.max_class_drop,
        )

    def _opened(self, model: bytes) -> Segmenter:
        with tempfile.TemporaryDirectory(prefix="edgeseg-") as folder:
            path = Path(folder) / "model.tflite"
            path.write_bytes(model)
            return Segmenter(path, input_range=self.source.input_range, runtime="litert")

    def _compare(self, result: Predictor) -> Comparison:
        samples, total = self._samples(self.pairs), len(self.pairs) or len(self.job.held_out)
        return compare(
            self.source.predictor, result, samples, self.labels, lambda done: self.tell("compare", done, total)
        )

    def _samples(self, pairs: Sequence[Pair]) -> Iterator[Sample]:
        return labelled(pairs) if pairs else unlabelled(self.job.held_out)

    def _judge(self) -> Judge:
        return Judge(
            self._samples(spread(self.pairs, SEARCHED)),
            self.source.predictor,
            self.labels,
            lambda path, data: _write(path, data, self._info(0, {})),
            lambda tried: self.tell("search", tried, 0),
        )

    def _labels(self, named: Labels | None) -> Labels:
        """The classes: those of the model, those that the user names, those of the data, or numbers."""
        own, classes = self.source.labels, self.source.num_classes
        if named and classes and len(named.names) < classes:
            raise DataError(
                f"{self.options.labels}: names {len(named.names)} classes, the model gives {classes}; name each"
            )
        theirs = self.dataset.labels if self.dataset else None
        if self.dataset and own is None and named is None and theirs and classes and theirs.num_classes != classes:
            raise DataError(
                f"{self.job.model}: gives {classes} classes, and {self.dataset.root} has {theirs.num_classes}; "
                "use data with the model's classes"
            )
        labels = own or named or theirs or Labels.numbered(classes or UNNAMED)
        return common_labels(Path(self.job.model), labels, self.dataset) if self.dataset else labels

    def _info(self, frames: int, figures: dict[str, Any]) -> ModelInfo:
        source, own = self.source, self.source.info
        kept = {key: each for key, each in (own.provenance if own else {}).items() if key not in MEASURED}
        provenance = kept | {"scheme": self.job.scheme, "calibration_frames": frames}
        model = source.predictor
        return ModelInfo(
            source.name,
            self.labels,
            model.size,
            model.channels,
            "labels" if self.material.output == "labels" else "logits",
            provenance | figures,
            source.input_range,
        )

    def _pair_of(self) -> dict[str, Path]:
        return {str(pair.image): pair.mask for pair in self.pairs}


def _other_scheme(job: Job, source: Source) -> str:
    if source.quantization_aware:
        return f"{job.model}: was trained with fake quantization; convert it with --scheme qat"
    how = "train it with  edgeseg train DATA -o RUN2 --qat --weights RUN"
    return f"{job.model}: was trained without fake quantization; {how}"


def _write(out: Path, data: bytes, info: ModelInfo) -> None:
    out.write_bytes(write_metadata(data, info))
    attach(out, info)


def main() -> None:
    """Run the job named on the command line."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the converter prints; only answers may go to the caller

    def tell(stage: str, done: int, total: int) -> None:
        print(json.dumps({"progress": [stage, done, total]}), file=channel, flush=True)

    try:
        answer: dict[str, Any] = {"result": Work(Job.load(Path(sys.argv[1])), tell).run().to_json()}
    except EdgesegError as error:
        answer = {"error": str(error), "kind": type(error).__name__}
    except OSError as error:
        where, why = error.filename or "the result cannot be written", error.strerror or error
        answer = {"error": f"{where}: {why}; free some space or choose another place", "kind": "OSError"}
    print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
