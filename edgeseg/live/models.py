"""Which model a loop runs: the one it was given, the one to fall back on, the one that took its file's place."""

from __future__ import annotations

from pathlib import Path

from edgeseg import stub
from edgeseg.errors import ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.segmenter import Segmenter

COMPILED = "_edgetpu"
BUNDLE_SUFFIX, BUNDLE_MANIFEST = ".edgeseg", "manifest.json"
"""As `edgeseg.bundle` has them, which is not loaded for a model alone."""


def open_model(model: str, threads: int | None = None, labels: Labels | None = None) -> Segmenter:
    """A `.tflite` file, a bundle, or `stub:…` (see `edgeseg.stub`)."""
    if is_bundle(model):
        return _open_bundle(Path(model), threads, labels)
    if model.startswith(stub.SCHEME):
        interpreter = stub.parse(model)
        return Segmenter(model, labels=labels or Labels.numbered(interpreter.classes), interpreter=interpreter)
    return Segmenter(model, threads, labels)


def is_bundle(model: str) -> bool:
    """Whether this names a `.edgeseg` file, or the folder that one was written out to."""
    return model.endswith(BUNDLE_SUFFIX) or (Path(model) / BUNDLE_MANIFEST).is_file()


def _open_bundle(path: Path, threads: int | None, labels: Labels | None) -> Segmenter:
    """The Edge TPU's model where there is one and it can run here; else the CPU's, with a note."""
    from edgeseg.bundle.archive import Bundle
    from edgeseg.bundle.manifest import COMPILED as COMPILED_MEMBER

    bundle = Bundle.open(path)
    labels = labels or bundle.manifest.labels
    plain = bundle.model_path()
    if COMPILED_MEMBER not in bundle.manifest.members:
        return Segmenter(plain, threads, labels)
    try:
        return Segmenter(bundle.model_path(compiled=True), threads, labels)
    except ModelError as error:
        segmenter = Segmenter(plain, threads, labels)
        segmenter.notes.append(f"the CPU's model runs, for the Edge TPU's cannot: {error}")
        return segmenter


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
