"""What the Edge TPU compiler says, read from its output or its log file (version 16.0)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = r"([\d.]+)(B|KiB|MiB|GiB)"
_ROW = re.compile(r"^([A-Za-z][\w.-]*)\s+(\d+)\s{2,}(\S.*)$")
_REASONS = (
    "ERROR: ",
    "Compilation failed: ",
    "Compilation timeout",
    "Model not quantized",
    "Model could not be parsed",
)
CRASHES = ("Internal compiler error", "libc++abi: ", "terminating with uncaught exception")
"""Signs of a failure of the compiler rather than of the model; some of these happen at random."""


@dataclass(frozen=True)
class OperatorRow:
    """A row of the table of operators."""

    op: str
    count: int
    status: str


@dataclass(frozen=True)
class CompilerLog:
    """What was said; None where it was not."""

    version: str | None
    operators: tuple[OperatorRow, ...]
    on_tpu: int | None
    """Operators on the Edge TPU."""
    on_cpu: int | None
    subgraphs: int | None
    """Parts of the model on the Edge TPU."""
    input_bytes: int | None
    """Sizes are rounded by the compiler."""
    output_bytes: int | None
    cached_bytes: int | None
    """Weights held by the Edge TPU."""
    free_bytes: int | None
    """Its memory that is left for weights."""
    streamed_bytes: int | None
    """Weights sent from the host at each inference."""


def parse(text: str) -> CompilerLog:
    """Read what the compiler printed, or the NAME_edgetpu.log that it wrote; never fails."""
    rows = []
    in_table = False
    for line in text.splitlines():
        in_table = in_table or line.split() == ["Operator", "Count", "Status"]
        match = _ROW.match(line.rstrip()) if in_table else None
        if match:
            rows.append(OperatorRow(match[1], int(match[2]), match[3]))
    return CompilerLog(
        version=_first(text, r"Edge TPU Compiler version (\S+)"),
        operators=tuple(rows),
        on_tpu=_count(text, r"Number of operations that will run on Edge TPU: (\d+)"),
        on_cpu=_count(text, r"Number of operations that will run on CPU: (\d+)"),
        subgraphs=_count(text, r"Number of Edge TPU subgraphs: (\d+)"),
        input_bytes=_bytes(text, "Input size"),
        output_bytes=_bytes(text, "Output size"),
        cached_bytes=_bytes(text, "On-chip memory used for caching model parameters"),
        free_bytes=_bytes(text, "On-chip memory remaining for caching model parameters"),
        streamed_bytes=_bytes(text, "Off-chip memory used for streaming uncached model parameters"),
    )


def complaint(text: str) -> str:
    """Why the compiler found fault with the model, in its words on one line; empty where it gave no reason."""
    lines = [line.strip() for line in text.splitlines()]
    said = [line.removeprefix("ERROR: ") for line in lines if line.startswith(_REASONS)]
    return "; ".join(dict.fromkeys(line.rstrip(". ") for line in said))


def crashed(text: str) -> bool:
    """Whether the compiler itself failed, with such words or with none."""
    return any(sign in text for sign in CRASHES) or not complaint(text)


def _first(text: str, pattern: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None


def _count(text: str, pattern: str) -> int | None:
    found = _first(text, pattern)
    return int(found) if found else None


def _bytes(text: str, what: str) -> int | None:
    match = re.search(rf"^{re.escape(what)}: {_SIZE}\s*$", text, re.MULTILINE)
    return round(float(match[1]) * _UNITS[match[2]]) if match else None
