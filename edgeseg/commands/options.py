"""Parameters that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class Size(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """HxW, such as 240x320."""

    name = "HxW"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """(height, width) from its text."""
        if isinstance(value, tuple):
            return value
        height, _, width = str(value).lower().partition("x")
        if not (height.isdigit() and width.isdigit()):
            self.fail(f"'{value}' is no size; write height x width, as in 240x320", param, ctx)
        return int(height), int(width)


SIZE = Size()
FOLDER = click.Path(path_type=Path)
IGNORE = click.option(
    "--ignore", type=click.IntRange(0, 255), multiple=True, metavar="ID", help="Leave this class id out; repeatable."
)
