"""The process in which a conversion runs: `python -m converters.worker JOB.json`.

Prints one JSON object a line on standard output: {"progress": [stage, done, total]}, and at
the end {"result": {...}} or {"error": "..."}. Everything else that TensorFlow says goes to
standard error.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from converters import proof
from converters.calibration import stream
from converters.graph import Exported
from converters.job import Job, Result
from converters.schemes import scheme
from edgeseg.data.dataset import Dataset, open_dataset
from edgeseg.errors import EdgesegError
from edgeseg.evaluate import common_labels, evaluate
from edgeseg.labels import Labels
from edgeseg.metrics import Scores
from edgeseg.model_info import ModelInfo, attach
from edgeseg.segmenter import Segmenter
from edgeseg.training.predict import KerasPredictor, load_keras


def run(job: Job, channel: Any) -> Result:
    """Convert, prove, score, and write `job.out`."""

    def tell(stage: str, done: int, total: int) -> None:
        print(json.dumps({"progress": [stage, done, total]}), file=channel, flush=True)

    network, info = load_keras(Path(job.model))
    source = KerasPredictor(network)
    chosen = scheme(job.scheme)

    def frames() -> Any:
        return stream(job.calibration, source.size, source.channels, lambda *at: tell("calibrate", *at))

    data = chosen.convert(Exported(network, job.output), job, frames)
    if chosen.INTEGER:
        proof.all_integer(data)
    dataset = open_dataset(Path(job.dataset), job.ignore) if job.dataset else None
    named = info.labels if info else _labels_of(dataset, network.output_shape[-1])
    labels = common_labels(Path(job.model), named, dataset) if dataset else named
    provenance = (info.provenance if info else {}) | {"scheme": job.scheme, "calibration_frames": len(job.calibration)}
    name = info.architecture if info else network.name
    written = ModelInfo(name, labels, source.size, source.channels, job.output, provenance)
    out = Path(job.out)
    _write(out, data, written)
    result = Segmenter(out, runtime="litert")
    tell("compare", 0, len(job.held_out))
    agreement = proof.agreement(source, result, job.held_out, job.min_agreement)
    drops: dict[str, float] = {}
    before = after = None
    if dataset:
        pairs = dataset.split("val")
        before = evaluate(source, pairs, labels, lambda *at: tell("score the source", *at))
        after = evaluate(result, pairs, labels, lambda *at: tell("score the result", *at))
        drops = {c: 100 * (iou - after.iou.get(c, 0.0)) for c, iou in before.iou.items()}
        figures = {"split": "val", "float_miou": before.miou, "miou": after.miou}
        _write(out, data, dataclasses.replace(written, provenance=provenance | figures))
    return Result(
        out.stat().st_size, agreement, len(job.held_out), len(job.calibration), _miou(before), _miou(after), drops
    )


def _labels_of(dataset: Dataset | None, channels: int) -> Labels:
    """For a network that carries no labels: those of the data if they fit, else numbers."""
    if dataset and dataset.labels and dataset.labels.num_classes == channels:
        return dataset.labels
    return Labels.numbered(channels)


def _miou(found: Scores | None) -> float | None:
    return found.miou if found else None


def _write(out: Path, data: bytes, info: ModelInfo) -> None:
    out.write_bytes(data)
    attach(out, info)


def main() -> None:
    """Run the job named on the command line."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the converter prints; only answers may go to the caller
    try:
        answer: dict[str, Any] = {"result": dataclasses.asdict(run(Job.load(Path(sys.argv[1])), channel))}
    except EdgesegError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
