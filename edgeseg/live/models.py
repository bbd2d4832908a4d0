"""Which model a loop runs: the one it was given, the one to fall back on, the one that took its file's place."""

from __future__ import annotations

from pathlib import Path

from edgeseg import stub
from edgeseg.errors import ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.segmenter import Segmenter

COMPILED = "_edgetpu"


def open_model(model: str, threads: int | None = None, labels: Labels | None = None) -> Segmenter:
    """A `.tflite` file, or `stub:…` (see `edgeseg.stub`)."""
    if model.startswith(stub.SCHEME):
        interpreter = stub.parse(model)
        return Segmenter(model, labels=labels or Labels.numbered(interpreter.classes), interpreter=interpreter)
    return Segmenter(model, threads, labels)


def reopen(old: Segmenter) -> Segmenter:
    """Read the file anew that `old` was read from, after trying it in a process of its own.

    Raises ModelError where the file that lies there now cannot replace it.
    """
    from edgeseg.trial import require_survival  # here, since few need it and a loop starts the sooner

    require_survival(old.path)
    return _matching(Segmenter(old.path, old.threads), old)


def open_fallback(model: Segmenter, fallback: Path | None) -> Segmenter:
    """What takes over where `model` cannot go on: `fallback`, or the CPU sibling of a compiled model.

    Raises ModelError where there is none.
    """
    sibling = model.path.with_name(model.path.name.replace(COMPILED, ""))
    path = fallback or (sibling if sibling != model.path and sibling.is_file() else None)
    if path is None:
        raise ModelError(f"{model.path}: has no other model to fall back on; name one with --fallback")
    return _matching(Segmenter(path, model.threads), model)


def check_fallback(model: Segmenter, fallback: Path | None, scores: bool = False) -> None:
    """Refuse now what would be refused when it is needed; raises ModelError or UsageError.

    With `scores` it has to give them.
    """
    if fallback is not None and fallback.resolve() == model.path.resolve():
        raise UsageError(f"{fallback}: is the model itself; name a smaller one")
    if fallback is not None and open_fallback(model, fallback).output == "labels" and scores:
        raise UsageError(f"{fallback}: gives class ids alone; --unsure needs one of  quantize --output logits")


def _matching(new: Segmenter, old: Segmenter) -> Segmenter:
    count = len(new.labels.names) == len(old.labels.names)
    if not count or (new.info and old.info and new.labels.names != old.info.labels.names):
        raise UsageError(f"{new.path}: has other classes than the model at work, and cannot take its place")
    new.labels = old.labels
    return new
