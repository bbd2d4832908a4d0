"""The two files that a Raspberry Pi's firmware reads: cmdline.txt, one line, and config.txt."""

from __future__ import annotations

from edgeseg.errors import DataError


def extended(command_line: bytes, additions: list[str]) -> bytes:
    """cmdline.txt with more parameters, in place of those of the same names.

    Raises DataError where an earlier customisation left its own in it.
    """
    text = command_line.decode(errors="surrogateescape").strip()
    if "\n" in text or not text:
        raise DataError("cmdline.txt in the image is not one line; give a fresh image")
    words = text.split()
    for word in words:
        if word.startswith(("systemd.run=", "ds=nocloud")):
            raise DataError(
                f"the image was customised before ({word.partition('=')[0]} in cmdline.txt); give a fresh one"
            )
    names = {addition.partition("=")[0] for addition in additions}
    kept = [word for word in words if word.partition("=")[0] not in names]
    return (" ".join([*kept, *additions]) + "\n").encode(errors="surrogateescape")


def configured(config: bytes, lines: tuple[str, ...]) -> bytes:
    """config.txt with more lines at its end, where they hold for every board and win over those before."""
    if not lines:
        return config
    text = config.decode(errors="surrogateescape").rstrip("\n")
    return "\n".join([text, "", "# by edgeseg flash", "[all]", *lines, ""]).encode(errors="surrogateescape")
