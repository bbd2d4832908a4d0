"""Compiling a model for the Edge TPU: predict, lower, run Coral's compiler, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from converters.edgetpu import compiler_log
from converters.edgetpu.check import Report, check
from converters.edgetpu.compiled import Compiled, placed
from converters.edgetpu.compiler import TIMEOUT_S, Attempt, find, require_running, run_again
from converters.edgetpu.culprit import culprit
from converters.edgetpu.cut import cut
from converters.edgetpu.rules import DATA_TYPE
from converters.edgetpu.transpose_conv import lower
from converters.tflite.operators import operators
from edgeseg.errors import ConversionError, ModelError, OutputError, UsageError
from edgeseg.files import replacing
from edgeseg.model_info import attach, read_info

OnProgress = Callable[[str], None]
"""Gets a line about what happened or is being done."""
TRIES = 3
LARGE_TENSORS = "large activation"
"""In the compiler's words for a model of which a part may still compile."""


@dataclass(frozen=True)
class Plan:
    """A model that may be compiled, and what is expected of it."""

    model: Path
    data: bytes
    """What the compiler will read."""
    lowered: tuple[str, ...]
    """Outputs of TRANSPOSE_CONV operators that were lowered, with the same results, so that it can."""
    report: Report


def plan(model: Path) -> Plan:
    """Read and judge the `.tflite` at `model`; raises ModelError where the compiler would refuse it."""
    try:
        data = model.read_bytes()
    except OSError as error:
        raise ModelError(f"{model}: cannot be read ({error.strerror}); give a .tflite file") from error
    try:
        operators(data)  # before anything else walks through it
        lowered = lower(data)
        report = check(lowered.data)
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from error
    if lowered.refused:
        raise ModelError(f"{model}: the compiler cannot read {lowered.refused[0]}")
    if report.rejected:
        raise ModelError(f"{model}: {report.advice}")
    if report.mapped == 0 and any(each.reason == DATA_TYPE for each in report.operators):
        raise ModelError(f"{model}: is not quantized to 8 bits; make it with  edgeseg quantize … --scheme int8")
    return Plan(model, lowered.data, lowered.layers, report)


def compile_model(
    plan: Plan,
    folder: Path | None = None,
    tries: int = TRIES,
    timeout_s: float = TIMEOUT_S,
    on_progress: OnProgress | None = None,
) -> Compiled:
    """Compile to NAME_edgetpu.tflite in `folder`, or beside the model, with the model's information in it.

    Raises MissingCompilerError where there is no compiler, OutputError where the file cannot
    be written, ConversionError where the compiler fails; it then names the operator, if the
    compiler crashed `tries` times. The model itself is only read.
    """
    if folder is not None and folder.suffix == ".tflite":
        raise UsageError(f"{folder}: is no folder; the file's name follows from the model's")
    if tries < 1 or timeout_s <= 0:
        raise UsageError("the compiler needs at least one try, and some time for it")
    say = on_progress or (lambda line: None)
    compiler, info = find(), read_info(plan.model)
    require_running(compiler)
    out = (folder or plan.model.parent) / f"{plan.model.stem}_edgetpu.tflite"

    def crashed(number: int, reason: str) -> None:
        say(f"try {number} of {tries}: the compiler failed: {reason}")

    def compiled(data: bytes) -> Attempt:
        return run_again(compiler, data, plan.model.stem, tries, timeout_s, crashed)

    with replacing(out) as temporary:
        say(f"compiling {plan.model}")
        done = compiled(plan.data)
        if done.output is None:
            network = info.architecture if info else ""
            raise ConversionError(f"{plan.model}: {_explain(plan.data, done, compiled, say, network)}")
        log = compiler_log.parse(done.text)
        try:
            kinds, subgraphs = placed(plan.report, done.output)
        except ModelError as error:
            raise ConversionError(f"{plan.model}: the compiler wrote a damaged file; run it again") from error
        try:
            temporary.write_bytes(done.output)
            if info and read_info(temporary) is None:
                attach(temporary, replace(info, provenance=info.provenance | {"edgetpu_compiler": log.version}))
            size = temporary.stat().st_size
        except OSError as error:
            raise OutputError(f"{out}: cannot be written ({error.strerror}); free some space") from error
    return Compiled(plan.model, out, size, done.tries, plan.lowered, kinds, subgraphs, log)


def _explain(data: bytes, failed: Attempt, compiled: Callable[[bytes], Attempt], say: OnProgress, network: str) -> str:
    """Why the compiler failed; where a smaller model may compile, at which operator."""
    if not failed.crash and LARGE_TENSORS not in failed.reason:
        return f"the Edge TPU compiler refuses it: {failed.reason}"
    total = len(operators(data))

    def fails(count: int) -> bool:
        say(f"looking for the operator at fault: the first {count} of {total}")
        attempt = compiled(cut(data, count))
        if attempt.output is None and attempt.crash != failed.crash:
            raise ModelError(f"a part of it fails otherwise ({attempt.reason})")
        return attempt.output is None

    try:
        found = culprit(data, fails, network)
    except ModelError as error:
        return f"the Edge TPU compiler fails: {failed.reason}; at which operator cannot be told: {error}"
    before = f"the {found.operator.index} operators before it compile" if found.operator.index else "it is the first"
    often = f" ({failed.tries} of {failed.tries} times)" if failed.crash else ""
    return f"the Edge TPU compiler fails at {found}{often}: {failed.reason}; {before}; {found.advice}"
