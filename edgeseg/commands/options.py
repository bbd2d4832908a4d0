"""Parameters that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgeseg.uri import can_be_name


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


class Model(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.4 on
    """A model's file or folder, or a name in the zoo, whose licence is then said on standard error."""

    name = "MODEL"

    def __init__(self, kind: type[str] | type[Path] = Path, weights: bool = False) -> None:
        """`kind` is what commands get; with `weights` a name stands for the float network, else for the `.tflite`."""
        self._kind, self._weights = kind, weights

    def convert(self, value: Any, param: Any, ctx: Any) -> str | Path:
        """Its path; what is no name, such as a URI, as it is. Raises UsageError that lists the zoo's names."""
        text = str(value)
        if not can_be_name(text):
            return self._kind(text)
        from edgeseg import zoo  # here, since few models come from there and a loop starts the sooner

        found = zoo.named(text)
        if found is None:
            return self._kind(text)
        entry, path = found
        click.echo(entry.notice, err=True)
        return self._kind(zoo.weights(text) if self._weights else path)


SIZE = Size()
MODEL, MODEL_OR_URI, WEIGHTS = Model(), Model(str), Model(weights=True)
FOLDER = click.Path(path_type=Path)
IGNORE = click.option(
    "--ignore", type=click.IntRange(0, 255), multiple=True, metavar="ID", help="Leave this class id out; repeatable."
)
