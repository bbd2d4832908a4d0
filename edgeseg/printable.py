"""Texts of others, such as a server or a camera, made fit for a terminal."""

from __future__ import annotations

LONGEST = 160
"""Characters that are shown of a text."""


def printable(text: str) -> str:
    """`text` cut, and with a ? for each control character: it could move the cursor, or end the line."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST])
