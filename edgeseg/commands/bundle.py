"""`edgeseg bundle`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeseg.commands.live_options import NOT_BUNDLED, check_live
from edgeseg.commands.options import FOLDER, MODEL, ModelOrCommand

if TYPE_CHECKING:
    from edgeseg.bundle.archive import Bundle


@click.group(cls=ModelOrCommand)
def bundle() -> None:
    """Make, prove and show what a board receives.

    edgeseg bundle MODEL is short for edgeseg bundle model MODEL.
    """


@bundle.command("model")
@click.argument("model", type=MODEL)
@click.argument("live", metavar="[-- LIVE OPTIONS]", nargs=-1, type=click.UNPROCESSED)
@click.option("--golden", required=True, type=FOLDER, metavar="DIR", help="Images, or a labelled set (its val part).")
@click.option("--frames", default=4, show_default=True, type=click.IntRange(1, 100), help="Golden ones, at most.")
@click.option("--edgetpu", type=FOLDER, metavar="FILE", help="The same model, compiled for the Edge TPU.")
@click.option("--labels", type=FOLDER, help="labels.txt for a model that carries none.")
@click.option("--name", help="[default: as OUT is called]")
@click.option("--sign", "key", type=FOLDER, metavar="KEY.pem", help="Sign it; see  edgeseg bundle key.")
@click.option("-o", "--out", required=True, type=FOLDER, help="NAME.edgeseg")
def bundle_model(
    model: Path,
    live: tuple[str, ...],
    golden: Path,
    frames: int,
    edgetpu: Path | None,
    labels: Path | None,
    name: str | None,
    key: Path | None,
    out: Path,
) -> None:
    """Bundle the .tflite MODEL with golden frames, by which a board proves itself.

    What follows -- are options that edgeseg live gets on the board: -- --source camera:0
    """
    from edgeseg.bundle.pack import Order, pack
    from edgeseg.labels import read_labels
    from edgeseg.progress import ProgressLine

    check_live(live, NOT_BUNDLED)
    names = read_labels(labels) if labels else None
    line = ProgressLine()
    made, notes = pack(
        Order(model, golden, out, frames, edgetpu, name, live, names, key), lambda *at: line.count("recorded", *at)
    )
    line.clear()
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(_line(made))


@bundle.command("verify")
@click.argument("file", metavar="BUNDLE", type=FOLDER)
@click.option("--key", type=FOLDER, metavar="KEY.pub.pem", help="Require its signature.")
def bundle_verify(file: Path, key: Path | None) -> None:
    """Prove that BUNDLE is whole and, with --key, by whom it was made."""
    from edgeseg.bundle.archive import Bundle

    found = Bundle.open(file)
    signer = f"signed by key {found.require_signature(key)}" if key else "signature not checked"
    found.verify()
    click.echo(f"{_line(found)}: whole, {signer}")


@bundle.command("show")
@click.argument("file", metavar="BUNDLE", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest, release and key as JSON.")
def bundle_show(file: Path, as_json: bool) -> None:
    """Show what BUNDLE says of itself."""
    from edgeseg.bundle.archive import Bundle
    from edgeseg.bundle.sign import key_id
    from edgeseg.terminal import percent, table

    found = Bundle.open(file)
    key = key_id(found.signature) if found.signature else None
    manifest: dict[str, Any] = json.loads(found.manifest_bytes)
    if as_json:
        click.echo(json.dumps({**manifest, "release": found.release, "key": key}))
        return
    numbers = {
        name: percent(each) if isinstance(each, float) else each for name, each in found.manifest.figures.items()
    }
    figures = "  ".join(f"{name} {each}" for name, each in numbers.items())
    rows = [[name, str(each.size)] for name, each in sorted(found.manifest.members.items())]
    lines = [_line(found), f"classes  {', '.join(found.manifest.labels.names)}"]
    lines += [f"golden   {', '.join(each.name for each in found.manifest.golden)}"]
    lines += [f"figures  {figures}"] if figures else []
    lines += [f"live     {' '.join(found.manifest.live)}"] if found.manifest.live else []
    lines += [f"signed   by key {key}, not checked"] if key else []
    click.echo("\n".join([*lines, "", table(["member", "bytes"], rows)]))


@bundle.command("key")
@click.argument("prefix", type=FOLDER)
def bundle_key(prefix: Path) -> None:
    """Make a pair of keys: PREFIX.pem to sign with, PREFIX.pub.pem for the boards."""
    from edgeseg.bundle.sign import make_keys

    secret, public, key = make_keys(prefix)
    click.echo(f"{secret} signs: keep it to yourself; {public} proves: give it to the boards  (key {key})")


def _line(found: Bundle) -> str:
    return f"{found.path}: {found.manifest.name} {found.release}, {found.size / 1e6:.1f} MB"
