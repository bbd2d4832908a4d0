"""The version, apart from everything that needs a library to be read."""

__version__ = "0.1.0"
