"""Who feeds whom in a Keras network."""

from __future__ import annotations

from typing import Any

from edgeseg.errors import ModelError
from edgeseg.training.backend import keras, layers


class Graph:
    """The layers of a functional model by name, each called once."""

    def __init__(self, model: Any) -> None:
        """Raises ModelError for a model whose layers cannot be told apart: nested, shared or bare operations."""
        if not isinstance(model, keras.Model) or not hasattr(model, "operations"):
            raise ModelError("the network is no functional Keras model; build it from Input to output with keras.Model")
        self.layers: dict[str, Any] = {}
        for each in model.operations:
            if not isinstance(each, layers.Layer):
                raise ModelError(f"operation '{each.name}' is no layer; give the network a layer in its place")
            if isinstance(each, keras.Model):
                raise ModelError(f"layer '{each.name}' is a whole network; build one network from its layers")
            if len(each._inbound_nodes) != 1:  # Keras has no public count
                raise ModelError(f"layer '{each.name}' is used more than once; give each use a layer of its own")
            self.layers[each.name] = each
        made_by = {id(each.output): name for name, each in self.layers.items()}
        self.sources: dict[str, list[str]] = {name: [] for name in self.layers}
        """Names of the layers that feed a layer."""
        self.users: dict[str, list[str]] = {name: [] for name in self.layers}
        """Names of the layers that take a layer's output."""
        for name, each in self.layers.items():
            if isinstance(each, layers.InputLayer):
                continue
            for tensor in keras.tree.flatten(each.input):
                self.sources[name].append(made_by[id(tensor)])
                self.users[made_by[id(tensor)]].append(name)

    def only_user(self, name: str) -> Any:
        """The one layer that takes this layer's output, or None where there are none or several."""
        users = self.users[name]
        return self.layers[users[0]] if len(users) == 1 else None
