"""A model, its golden frames and its options, made into a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeseg.bundle.archive import SUFFIX, Bundle
from edgeseg.bundle.golden import Golden, choose, record, untelling
from edgeseg.bundle.manifest import COMPILED, MANIFEST, MODEL, SIGNATURE, GoldenFrame, Manifest, Member, valid_name
from edgeseg.bundle.members import write_archive
from edgeseg.errors import ModelError, UsageError, first_line
from edgeseg.files import replacing
from edgeseg.images import encode_png
from edgeseg.labels import Labels
from edgeseg.model_info import read_info

if TYPE_CHECKING:
    from edgeseg.segmenter import Segmenter

FIGURES = ("scheme", "miou", "float_miou", "licence")
"""What is taken over from the model's own provenance."""
FRAMES = 4
Ends = tuple[tuple[list[int], Any], tuple[list[int], Any]]
"""Shape and dtype of a model's input and output."""


@dataclass(frozen=True)
class Order:
    """What a bundle is to be made of."""

    model: Path
    golden: Path
    """A folder of images or a labelled set."""
    out: Path
    frames: int = FRAMES
    edgetpu: Path | None = None
    """The same model, compiled."""
    name: str | None = None
    """None: as `out` is called."""
    live: tuple[str, ...] = ()
    """Options of `edgeseg live`; the caller has checked them."""
    labels: Labels | None = None
    """None: the model's own."""
    key: Path | None = None
    """A private key in PEM to sign with."""


def pack(order: Order, on_progress: Callable[[int, int], None] | None = None) -> tuple[Bundle, list[str]]:
    """Make the bundle `order.out`; gives it and notes for the user, a line each.

    The same order on the same machine gives the same bytes. `on_progress` gets golden frames
    done and to do. Raises UsageError for a name that cannot be, DataError for images that
    cannot be read, ModelError for models that cannot be run or do not belong together.
    """
    from edgeseg.segmenter import Segmenter
    from edgeseg.trial import require_survival

    name = order.name or order.out.name.removesuffix(SUFFIX)
    if order.out.suffix != SUFFIX or not valid_name(name):
        raise UsageError(f"'{order.out}' is no name for a bundle; write letters, digits, . _ - and {SUFFIX}")
    images = choose(order.golden, order.frames)
    files = _models(order)
    require_survival(order.model)
    segmenter = Segmenter(order.model, labels=order.labels)
    golden, bounds = record(order.model, segmenter, images, on_progress)
    listed = []
    for number, each in enumerate(golden):
        listed.append(GoldenFrame(each.name, f"golden/{number}/frame.{each.suffix}"))
        files |= _golden_files(each, listed[-1])
    manifest = Manifest(
        name=name,
        labels=segmenter.labels,
        bounds=bounds,
        golden=tuple(listed),
        members={name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()},
        live=order.live,
        needs={"runtime": segmenter.runtime},
        figures=_figures(segmenter),
    )
    _write(order, files, manifest.to_bytes())
    return Bundle.open(order.out), [*segmenter.notes, *untelling(golden)]


def _write(order: Order, files: dict[str, bytes], manifest: bytes) -> None:
    files = files | {MANIFEST: manifest}
    if order.key:
        from edgeseg.bundle.sign import sign

        files[SIGNATURE] = sign(manifest, order.key)
    with replacing(order.out) as temporary:
        write_archive(temporary, files)


def _golden_files(golden: Golden, names: GoldenFrame) -> dict[str, bytes]:
    return {names.frame: golden.file, names.mask: encode_png(golden.mask), names.stages: golden.record.to_bytes()}


def _figures(segmenter: Segmenter) -> dict[str, Any]:
    provenance = segmenter.info.provenance if segmenter.info else {}
    return {key: provenance[key] for key in FIGURES if key in provenance}


def _models(order: Order) -> dict[str, bytes]:
    """The CPU's model and, where there is one, the Edge TPU's; they take and give the same."""
    from edgeseg.segmenter import EDGETPU_OP

    files = {MODEL: _read(order.model)}
    if EDGETPU_OP in files[MODEL]:
        raise ModelError(f"{order.model}: is compiled for the Edge TPU; give it as --edgetpu, beside its CPU version")
    if order.edgetpu is None:
        return files
    files[COMPILED] = _read(order.edgetpu)
    if EDGETPU_OP not in files[COMPILED]:
        raise ModelError(f"{order.edgetpu}: is not compiled for the Edge TPU; compile it with  edgeseg compile")
    if _ends(order.model, files[MODEL]) != _ends(order.edgetpu, files[COMPILED]):
        raise ModelError(f"{order.edgetpu}: takes or gives something else than {order.model}; compile that one")
    infos = [read_info(path) for path in (order.model, order.edgetpu)]
    names = {info.labels.names for info in infos if info}
    if len(names) > 1:
        raise ModelError(f"{order.edgetpu}: has other classes than {order.model}; compile that one")
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a .tflite file") from error


def _ends(path: Path, data: bytes) -> Ends:
    """Read without running it, so that no Edge TPU is needed."""
    from edgeseg.quiet import native_stderr
    from edgeseg.segmenter import load_runtime

    _, module = load_runtime()
    try:
        with native_stderr():
            interpreter = module.Interpreter(model_content=data)
        details = [interpreter.get_input_details()[0], interpreter.get_output_details()[0]]
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({first_line(error)}); convert the model again") from error
    (given, made) = [([int(length) for length in each["shape"]], each["dtype"]) for each in details]
    return given, made
