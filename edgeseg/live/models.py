"""Which model a loop runs: the one it was given, the one to fall back on, the one that took its file's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeseg import stub
from edgeseg.errors import ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.segmenter import Segmenter

if TYPE_CHECKING:
    from edgeseg.bundle.archive import Bundle

COMPILED = "_edgetpu"
BUNDLE_SUFFIX, BUNDLE_MANIFEST = ".edgeseg", "manifest.json"
"""As `edgeseg.bundle` has them, which is not loaded for a model alone."""


class BundledSegmenter(Segmenter):
    """One whose model is in a bundle, and was written out to a file for the runtime."""

    def __init__(self, bundle: Bundle, compiled: bool, threads: int | None, labels: Labels | None = None) -> None:
        """`labels` replace those of the bundle."""
        super().__init__(bundle.model_path(compiled), threads, labels or bundle.manifest.labels)
        self.bundle = bundle


def open_model(model: str, threads: int | None = None, labels: Labels | None = None) -> Segmenter:
    """A `.tflite` file, a bundle, or `stub:…` (see `edgeseg.stub`)."""
    if is_bundle(model):
        from edgeseg.bundle.archive import Bundle

        return _of_bundle(Bundle.open(Path(model)), threads, labels)
    if model.startswith(stub.SCHEME):
        interpreter = stub.parse(model)
        return Segmenter(model, labels=labels or Labels.numbered(interpreter.classes), interpreter=interpreter)
    return Segmenter(model, threads, labels)


def is_bundle(model: str) -> bool:
    """Whether this names a `.edgeseg` file, or the folder that one was written out to."""
    return model.endswith(BUNDLE_SUFFIX) or (Path(model) / BUNDLE_MANIFEST).is_file()


def origin(model: Segmenter) -> Path:
    """The file that a user named: the model's, or that of the bundle it is in."""
    return model.bundle.path if isinstance(model, BundledSegmenter) else model.path


def _of_bundle(bundle: Bundle, threads: int | None, labels: Labels | None = None) -> Segmenter:
    """The Edge TPU's model where there is one and it can run here; else the CPU's, with a note."""
    if not _has_compiled(bundle):
        return BundledSegmenter(bundle, False, threads, labels)
    try:
        return BundledSegmenter(bundle, True, threads, labels)
    except ModelError as error:
        segmenter = BundledSegmenter(bundle, False, threads, labels)
        segmenter.notes.append(f"the CPU's model runs, for the Edge TPU's cannot: {error}")
        return segmenter


def _has_compiled(bundle: Bundle) -> bool:
    from edgeseg.bundle.manifest import COMPILED as COMPILED_MEMBER

    return COMPILED_MEMBER in bundle.manifest.members


def reopen(old: Segmenter) -> Segmenter:
    """Read the file anew that `old` was read from, or its bundle's, after trying it in a process of its own.

    Raises ModelError where the file that lies there now cannot replace it.
    """
    from edgeseg.trial import require_survival  # here, since few need it and a loop starts the sooner

    if not isinstance(old, BundledSegmenter):
        require_survival(old.path)
        return _matching(Segmenter(old.path, old.threads), old)
    bundle = old.bundle.open(old.bundle.path)
    for compiled in (False, True) if _has_compiled(bundle) else (False,):
        require_survival(bundle.model_path(compiled))
    return _matching(_of_bundle(bundle, old.threads), old)


def open_fallback(model: Segmenter, fallback: Path | None) -> Segmenter:
    """What takes over where `model` cannot go on: `fallback`, or the CPU sibling of a compiled model.

    Raises ModelError where there is none.
    """
    sibling = model.path.with_name(model.path.name.replace(COMPILED, ""))
    path = fallback or (sibling if sibling != model.path and sibling.is_file() else None)
    if path is None:
        raise ModelError(f"{model.path}: has no other model to fall back on; name one with --fallback")
    if isinstance(model, BundledSegmenter) and path != fallback:
        return _matching(BundledSegmenter(model.bundle, False, model.threads), model)
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
    same = len(new.labels.names) == len(old.labels.names)
    if isinstance(new, BundledSegmenter) and isinstance(old, BundledSegmenter):
        same &= new.bundle.manifest.labels.names == old.bundle.manifest.labels.names
    elif new.info and old.info:
        same &= new.labels.names == old.info.labels.names
    if not same:
        raise UsageError(f"{origin(new)}: has other classes than the model at work, and cannot take its place")
    new.labels = old.labels
    return new
