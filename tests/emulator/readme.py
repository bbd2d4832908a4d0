"""The README's own command lines, with what stands for the reader's things put in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from tests.conftest import ROOT


def commands(within: str, places: Mapping[str, object]) -> list[list[str]]:
    """The arguments of each `edgeseg` line in the block that has `within`, with the words that `places` knows replaced.

    `commands("deploy --status", {"street.edgeseg": str(bundle), "pi@line1.local": f"pi@127.0.0.1:{port}"})`
    """
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (block,) = [text for text in blocks if within in text]
    lines = [shlex.split(line, comments=True) for line in block.splitlines() if line.startswith("edgeseg ")]
    return [[str(places.get(word, word)) for word in words[1:]] for words in lines]
