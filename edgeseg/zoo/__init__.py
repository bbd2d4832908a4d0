"""The models that come with edgeseg, by name; a board has them too."""

from edgeseg.zoo.shelf import DataSet, Entry, entries, entry, named, names, weights

__all__ = ["DataSet", "Entry", "entries", "entry", "named", "names", "weights"]
