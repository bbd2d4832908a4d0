"""Layers that two networks share, carried from one to the other."""

from __future__ import annotations

from typing import Any

from edgeseg.errors import ModelError


def transfer(source: Any, target: Any) -> list[str]:
    """Copy the weights of all layers that both networks name alike and shape alike.

    Gives the names of those of `target` that have weights and got none, in the order of the
    network. Raises ModelError where nothing but single layers fit: it is another architecture.
    """
    known = {layer.name: layer for layer in source.layers if layer.weights}
    own = [layer for layer in target.layers if layer.weights]
    left = []
    for layer in own:
        other = known.get(layer.name)
        if other is None or _shapes(other) != _shapes(layer):
            left.append(layer.name)
        else:
            layer.set_weights(other.get_weights())
    if 2 * len(left) > len(own):
        raise ModelError(
            f"{len(left)} of the {len(own)} layers of '{target.name}' are not in '{source.name}', such as {left[0]}; "
            f"take --model {source.name}, or other weights"
        )
    return left


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in layer.weights]
