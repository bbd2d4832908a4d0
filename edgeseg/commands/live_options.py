"""Options of `edgeseg live` that are kept for later: a slip is told when they are typed, not by a dark board."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from edgeseg.errors import UsageError

NOT_BUNDLED = {
    "token": "whoever has the bundle could read it; the board keeps one of its own",
    "labels": "the bundle has those of its model; give --labels before --",
    "list_cameras": "it ends at once",
}
"""Parameters, and why a bundle does not hold them."""
NOT_FOR_SERVICE = {
    "token": "every user of the board could read it; use --token-file",
    "labels": "the bundle has those of its model",
    "list_cameras": "it ends at once",
    "frames": "the service would be started again at each end",
}
"""Parameters, and why a board's own options do not hold them."""
BROKERS_PASSWORD = re.compile(r"mqtts?://[^/@]*:.*@")


def check_live(options: Sequence[str], refused: Mapping[str, str], bundle: Path | None = None) -> click.Context:
    """What `edgeseg live` would make of them, after the options in `bundle`; nothing is run.

    `refused` has parameters and why they are not kept. Raises UsageError for these and for what
    `edgeseg live` would not take.
    """
    from edgeseg.commands.live import live

    if any(not option.isprintable() for option in options):
        raise UsageError("an option after -- holds a line break or another control character; take it out")
    if {"-h", "--help"} & set(options):
        raise UsageError("--help is no option for a board; see  edgeseg live --help")
    arguments = [*([str(bundle)] if bundle else []), *options]
    try:
        context = live.make_context("edgeseg live", arguments)
    except click.ClickException as error:
        raise UsageError(f"after -- : {error.format_message()}") from error
    with context:
        _check(context, refused, bundle)
    return context


def _check(context: click.Context, refused: Mapping[str, str], bundle: Path | None) -> None:
    given = [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if "model" in given and bundle is None:
        raise UsageError(f"'{context.params['model']}' after -- is one too many: the bundle has the model")
    for name, why in refused.items():
        if name in given:
            raise UsageError(f"leave out --{name.partition('_')[0]} after -- : {why}")
    if context.params["replay"] and context.params["source"]:
        raise UsageError("--replay is a source already; leave --source out")
    for uri in context.params["out"]:
        if BROKERS_PASSWORD.match(uri):
            raise UsageError(
                "a broker's password is not for an address that others can read: write mqtt://USER@HOST/TOPIC, and "
                "give it to the board by --mqtt-password-file of edgeseg flash or deploy"
            )
