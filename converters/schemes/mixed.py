"""mixed: int8, but for the few layers that must stay float to keep the accuracy.

A tensor that int8 cannot hold is float only where both its writer and its readers are. So
the search takes whole tensors, the worst rounded first, until the loss is within the
budget, and then gives back operators until none of those left can be spared alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

from converters import litert
from converters.layers import layer_of
from converters.material import Converted, Material
from converters.rounding import rounding_errors
from converters.tflite.integer_ends import integer_ends
from converters.tflite.operators import Operator, operators
from edgeseg.errors import ConversionError, UsageError

NAME = "mixed"
CALIBRATES = True
MAX_DROP = 0.3
SUGGESTED = 5

Layers = frozenset[str]
"""Operators that stay float, by the name of their first output."""


def convert(material: Material) -> Converted:
    """See `converters.schemes.Scheme`."""
    options = material.options
    found = [each for each in operators(material.float_model) if _computes(each)]
    forced = frozenset(litert.float_only(material.float_model, material.ranges))
    if options.keep_float:
        kept = forced | _matching(found, options.keep_float)
        return _converted(material, kept, forced, f"as asked, {len(kept)} of {len(found)} layers stay float")
    budget = MAX_DROP if options.max_drop is None else options.max_drop
    tried: dict[Layers, float] = {}

    def drop(kept: Layers) -> float:
        if kept not in tried:
            tried[kept] = material.judge(_quantize(material, kept))
        return tried[kept]

    groups = _groups(found, rounding_errors(material))
    kept = _spare(_enough(groups, forced, drop, budget), forced, found, drop, budget)
    words = (
        f"{len(kept)} of {len(found)} layers stay float: int8 wherever it can be loses {drop(forced):.2f} points of "
        f"mIoU, this {drop(kept):.2f} (budget {budget:g}; models tried: {len(tried)})"
    )
    return _converted(material, kept, forced, words)


def prove(data: bytes) -> None:
    """See `converters.schemes.Scheme`; `litert.quantize` has compared the float layers with the recipe."""


def _converted(material: Material, kept: Layers, forced: Layers, words: str) -> Converted:
    plain = _quantize(material, forced) if kept != forced else None
    return Converted(_quantize(material, kept), (words,), tuple(sorted(kept)), plain)


def _quantize(material: Material, kept: Layers) -> bytes:
    data = litert.quantize(material.float_model, material.ranges, "int8", kept)
    return integer_ends(data, material.options.input)


def _matching(found: Sequence[Operator], patterns: Sequence[str]) -> Layers:
    """Raises UsageError for a pattern that matches no layer, or is none."""
    kept: set[str] = set()
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise UsageError(f"--keep-float '{pattern}' is no regular expression ({error})") from error
        names = [each.outputs[0].name for each in found]
        hits = {name for name in names if expression.search(layer_of(name))}
        if not hits:
            layers = list(dict.fromkeys(map(layer_of, names)))
            near = difflib.get_close_matches(pattern, layers, SUGGESTED, 0.3) or layers[:SUGGESTED]
            raise UsageError(
                f"--keep-float '{pattern}' matches no layer; near are {', '.join(near)}, and report.json lists all"
            )
        kept |= hits
    return frozenset(kept)


def _computes(operator: Operator) -> bool:
    """True for what works on real numbers, the final argmax included."""
    return any(not tensor.constant and tensor.dtype == "float32" for tensor in (*operator.inputs, *operator.outputs))


def _groups(found: Sequence[Operator], errors: dict[str, float]) -> list[Layers]:
    """For each tensor, the worst rounded first: the operators that write or read it."""
    groups = []
    for name in sorted(errors, key=lambda name: -errors[name]):
        touching = [each for each in found if any(tensor.name == name for tensor in (*each.inputs, *each.outputs))]
        groups.append(frozenset(each.outputs[0].name for each in touching))
    return groups


def _enough(groups: Sequence[Layers], forced: Layers, drop: Callable[[Layers], float], budget: float) -> Layers:
    """The first so many groups that keep the budget: doubling, then halving the step."""

    def first(count: int) -> Layers:
        return forced.union(*groups[:count])

    low, high = -1, 0
    while not drop(first(high)) <= budget:
        if high >= len(groups):
            raise ConversionError(
                f"even with every layer in float the model loses {drop(first(high)):.2f} points of mIoU, more than "
                f"{budget:g}; give a larger --max-drop"
            )
        low, high = high, min(len(groups), max(1, 2 * high))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if drop(first(middle)) <= budget else (middle, high)
    return first(high)


def _spare(
    kept: Layers, forced: Layers, found: Sequence[Operator], drop: Callable[[Layers], float], budget: float
) -> Layers:
    """Give back operators, half of them at once where that works, until none can be spared."""
    order = [each.outputs[0].name for each in found if each.outputs[0].name in kept - forced]
    size = max(1, len(order) // 2)
    while order:
        spared = False
        for start in range(0, len(order), size):
            fewer = kept - set(order[start : start + size])
            if drop(fewer) <= budget:
                kept, spared = fewer, True
        order = [name for name in order if name in kept]
        if size == 1 and not spared:
            break
        size = max(1, min(size // 2, len(order) // 2))
    return kept
