"""Several conversions in a row: one that fails does not end the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.convert import OnProgress, convert
from converters.job import Options
from converters.plan import Step
from converters.report.result import Result
from converters.tflm.c_source import write_c
from edgeseg.errors import EdgesegError, UsageError


@dataclass(frozen=True)
class Done:
    """What came of one step."""

    step: Step
    result: Result | None
    """None where it failed before there was one."""
    error: EdgesegError | None
    """Why there is no file, or not all of them."""
    files: tuple[Path, ...]
    """What was written."""


def convert_all(
    steps: Sequence[Step],
    calibrate: Path,
    options: Options,
    report: bool,
    c_source: bool,
    on_progress: OnProgress | None = None,
) -> Iterator[Done]:
    """Do each step; `report` writes its report, `c_source` the model as C++ too.

    Raises UsageError at once where layers are to stay float and no step is `mixed`.
    """
    if c_source and options.output == "labels":
        raise UsageError("a microcontroller takes no class map; leave out --output, or give --output logits")
    if options.keep_float and not any(step.scheme == "mixed" for step in steps):
        raise UsageError("--keep-float goes with --scheme mixed")
    for step in steps:
        kept = options.keep_float if step.scheme == "mixed" else ()
        chosen = replace(options, keep_float=kept, report=str(step.report) if report else None)
        yield _one(step, calibrate, chosen, c_source, on_progress)


def _one(step: Step, calibrate: Path, options: Options, c_source: bool, on_progress: OnProgress | None) -> Done:
    files: tuple[Path, ...] = ()
    try:
        result = convert(step.source, step.out, step.scheme, calibrate, options, on_progress)
    except EdgesegError as error:
        return Done(step, None, error, files)
    files = (step.out,) if not result.failures else ()
    if options.report:
        files = (*files, step.report / "report.html")
    try:
        result.require()
        if c_source:
            files = (*files, *write_c(step.out, step.out))
    except EdgesegError as error:
        kept = error if result.failures else type(error)(f"{error}; the model itself is good and was kept")
        return Done(step, result, kept, files)
    return Done(step, result, None, files)
