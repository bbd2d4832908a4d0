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


class ModelOrCommand(click.Group):
    """A group where what is no command is a MODEL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `model` before arguments that begin with none of the commands."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["model", *args]
        return super().parse_args(ctx, args)


SIZE = Size()
FOLDER = click.Path(path_type=Path)
IGNORE = click.option(
    "--ignore", type=click.IntRange(0, 255), multiple=True, metavar="ID", help="Leave this class id out; repeatable."
)
