"""A model as C++11 source, for firmware that links TensorFlow Lite Micro."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from converters.tflite.operators import operators
from converters.tflm.check import check_file
from converters.tflm.ends import End, ends
from converters.tflm.rules import add_method, edit
from converters.tflm.runtime import flatbuffer
from edgeseg.errors import MissingExtraError, ModelError, OutputError, UsageError
from edgeseg.files import replacing
from edgeseg.model_info import read_info

PER_LINE = 12
"""Bytes of the model in a line of source."""
_HEADER = """\
// Made by edgeseg; make it again rather than edit it.
#ifndef EDGESEG_{guard}_H_
#define EDGESEG_{guard}_H_

#include <cstddef>
#include <cstdint>

namespace {name} {{

// The .tflite, for tflite::GetModel().
constexpr std::size_t kModelBytes = {length};
alignas(16) extern const unsigned char kModel[kModelBytes];

{arena}

{ends}

{labels}

// Registers what the model needs:
//   tflite::MicroMutableOpResolver<{name}::kOperators> resolver;
//   if (!{name}::AddOperators(resolver)) {{ /* kOperators is too small */ }}
constexpr unsigned int kOperators = {count};
template <typename Resolver>
bool AddOperators(Resolver& resolver) {{
  return {adds};
}}

}}  // namespace {name}

#endif  // EDGESEG_{guard}_H_
"""

_SOURCE = """\
// Made by edgeseg; make it again rather than edit it.
#include "{stem}.h"

namespace {name} {{

alignas(16) const unsigned char kModel[kModelBytes] = {{
{rows}
}};

}}  // namespace {name}
"""

_ARENA = """\
// The least memory in which tflite-micro ran the model on x86-64. A 32-bit controller keeps
// smaller structures; kernels made for one (CMSIS-NN, ESP-NN) may ask for more scratch memory.
// Its start must be aligned: alignas(16) static std::uint8_t arena[{name}::kArenaBytes];
constexpr std::size_t kArenaBytes = {arena_bytes};"""
_NO_ARENA = """\
// The memory that the model needs was not measured. Measure it where tflite-micro is installed:
//   edgeseg check MODEL.tflite --target tflm"""


def c_sources(data: bytes, stem: str, arena_bytes: int | None, labels: Sequence[str]) -> tuple[str, str]:
    """The texts of `stem`.h and `stem`.cc for `data`, the bytes of a .tflite; what lies behind the model is left out.

    The namespace is `identifier(stem)`. Without `arena_bytes` the constant is left out and a
    comment says how to measure it. Raises ModelError where the bytes are no model, or one with
    an operator that TensorFlow Lite Micro lacks; UsageError where `stem` does not fit a file name.
    """
    if not re.fullmatch(r"[\w.+ -]+", stem):
        raise UsageError(f"{stem!r}: cannot be included by a compiler; use letters, digits, '_' and '-'")
    model, name = flatbuffer(data), identifier(stem)
    adds = _adds(data)
    given, results = ends(data)
    header = _HEADER.format(
        name=name,
        guard=name.upper(),
        length=len(model),
        arena=_NO_ARENA if arena_bytes is None else _ARENA.format(name=name, arena_bytes=arena_bytes),
        ends="\n\n".join([*_named("Input", given), *_named("Output", results)]),
        labels=_labels(labels),
        count=max(1, len(adds)),
        adds=" &&\n         ".join(f"resolver.{add}() == 0" for add in adds) or "sizeof(resolver) > 0",
    )
    pieces = (model[start : start + PER_LINE] for start in range(0, len(model), PER_LINE))
    rows = "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in piece) for piece in pieces)
    return header, _SOURCE.format(stem=stem, name=name, rows=rows)


def write_c(model: Path, out: Path) -> tuple[Path, Path]:
    """Write the .tflite `model` as `out` with the suffixes .h and .cc; returns the two paths.

    The arena is measured where tflite-micro is installed. Raises GateError where it is and
    does not run the model, and what `c_sources` raises; nothing is written then.
    """
    try:
        report = check_file(model, frames=1)
        report.require(model)
        arena = report.arena_bytes
    except MissingExtraError:
        arena = None
    info = read_info(model)
    paths = out.with_suffix(".h"), out.with_suffix(".cc")
    try:
        texts = c_sources(model.read_bytes(), paths[0].stem, arena, info.labels.names if info else ())
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from error
    with replacing(paths[0]) as header, replacing(paths[1]) as source:
        try:
            header.write_text(texts[0])
            source.write_text(texts[1])
        except OSError as error:
            raise OutputError(f"{paths[1]}: cannot be written ({error.strerror}); free some space") from error
    return paths


def identifier(stem: str) -> str:
    """`stem` as the name of a C++ namespace: 'street-v2 (3)' → 'model_street_v2_3', 'model' as it is.

    With that word in it a name is no keyword and no function of the C library, as `time` would be.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")
    has_word = name[:1].isalpha() and "model" in name.lower().split("_")
    return name if has_word else f"model_{name}".rstrip("_")


def literal(text: str) -> str:
    """A C++ string literal of the UTF-8 bytes of `text`, whatever they are."""
    # Octal, since it ends after three digits; '?' too, since two of them begin a trigraph.
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


def _adds(data: bytes) -> list[str]:
    """Calls for every kind of operator, in the order in which they come."""
    adds: dict[str, None] = {}
    for each in operators(data):
        if (method := add_method(each.op)) is None:
            raise ModelError(f"TensorFlow Lite Micro has no operator {each.op}; {edit(each)}")
        adds[method] = None
    return list(adds)


def _named(kind: str, found: Sequence[End]) -> list[str]:
    """The constants of every input or output; from the second on with its number."""
    return [_end(kind if number == 0 else f"{kind}{number}", end) for number, end in enumerate(found)]


def _end(kind: str, end: End) -> str:
    lines = [
        f"using {kind}Type = {end.cpp_type};",
        f"constexpr int k{kind}Shape[] = {{{', '.join(map(str, end.shape)) or '1'}}};",
    ]
    if end.scale:
        lines.append(f"constexpr float k{kind}Scale = {end.scale:.9e}f;  // real = scale * (value - zero point)")
        lines.append(f"constexpr int k{kind}ZeroPoint = {end.zero_point};")
    return "\n".join(lines)


def _labels(labels: Sequence[str]) -> str:
    if not labels:
        return "// The model does not name its classes."
    rows = "\n".join(f"    {literal(label)}," for label in labels)
    return f"constexpr int kLabelCount = {len(labels)};\nconstexpr const char* kLabels[kLabelCount] = {{\n{rows}\n}};"
