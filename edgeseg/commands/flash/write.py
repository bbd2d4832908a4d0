"""Writing an image as it is, or customised."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeseg.commands.flash.disk import allowed, confirm, is_device
from edgeseg.errors import UsageError

if TYPE_CHECKING:
    from edgeseg.customise.settings import Settings
    from edgeseg.flash.blockmap import BlockMap
    from edgeseg.flash.disks import Disk
    from edgeseg.flash.image import Image
    from edgeseg.flash.units import Report


@dataclass(frozen=True)
class Job:
    """What is written where."""

    image: Path
    to: str
    yes: bool
    """Do not ask."""
    verify: bool
    allow_loop: bool
    dry_run: bool
    token_is_new: bool
    """Nobody knows it yet."""


def write(job: Job, settings: Settings | None) -> None:
    """The disk is refused or confirmed before anything that takes time."""
    from edgeseg.flash.image import open_image
    from edgeseg.flash.meter import Meter
    from edgeseg.progress import ProgressLine

    line, meter = ProgressLine(), Meter()

    def report(stage: str, done: int, total: int) -> None:
        line.show(meter.text(stage, done, total))

    def say(text: str) -> None:
        line.clear()
        click.echo(text, err=True)

    to_disk = is_device(job.to) and not job.dry_run
    if not (to_disk or job.dry_run):
        _require_free(job, settings)
    source = open_image(job.image, report)
    line.clear()
    disk = None
    if to_disk:
        disk = allowed(job.to, source.size, job.allow_loop)
        if not job.yes:
            confirm(disk)
    if settings is None:
        text = _write(source, None, disk, job, report)
    else:
        text = _customised(source, settings, disk, job, report, say)
    line.clear()
    click.echo(text)


def _require_free(job: Job, settings: Settings | None) -> None:
    """Raises UsageError where the file would take the place of another one, or lies in no folder."""
    to = Path(job.to)
    if to.is_dir():
        raise UsageError(f"{to}: is a folder; give the name of a file")
    if not to.parent.is_dir():
        raise UsageError(f"{to.parent}: is no folder; make it first, or check its name")
    sources = [job.image, *((settings.bundle,) if settings else ())]
    if to.exists() and any(source.exists() and source.samefile(to) for source in sources):
        raise UsageError(f"{to}: is what the card is made from; give another name")
    if to.exists() and not job.yes:
        raise UsageError(f"{to}: is there already; give --yes to replace it, or another name")


def _customised(
    source: Image, settings: Settings, disk: Disk | None, job: Job, report: Report, say: Callable[[str], None]
) -> str:
    from edgeseg.customise.card_image import apply, unpacked
    from edgeseg.customise.difference import difference

    with unpacked(source, settings, report, say) as found:
        for note in found.changes.notes:
            say(f"note: {note}")
        if job.dry_run:
            return difference(found.changes)
        image, block_map = apply(found)
        with _private():
            text = _write(image, block_map, disk, job, report)
    return f"{text}\n{_next(settings, job)}"


def _write(image: Image, block_map: BlockMap | None, disk: Disk | None, job: Job, report: Report) -> str:
    from edgeseg.flash.write import write_card, write_file

    if disk:
        outcome = write_card(image, disk, job.verify, report, block_map)
    else:
        outcome = write_file(image, Path(job.to), job.verify, report, block_map)
    return _done(job.to, outcome.written, outcome.size, outcome.verified)


@contextmanager
def _private() -> Iterator[None]:
    """Files made meanwhile are their owner's alone: the image holds secrets."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _next(settings: Settings, job: Job) -> str:
    link = settings.link(with_token=job.token_is_new)
    page = f"; a minute or two later the page is at\n    {link}" if link else ""
    once = "\nThe link is shown this once; keep it." if link and job.token_is_new else ""
    return f"Put the card into the board and switch it on{page}{once}\nIf not:  edgeseg flash --inspect {job.to}"


def _done(to: str, written: int, size: int, verified: bool) -> str:
    from edgeseg.flash.units import size_text

    part = f"{size_text(written)} of {size_text(size)}, as its block map says" if written < size else size_text(size)
    return f"{to}: written ({part})" + (", read back and the same" if verified else ", not read back")
