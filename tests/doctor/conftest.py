import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeseg.doctor.system import ANSWERS, System, recorded
from tests.doctor.systems import FILES, REPLIES

Machine = Callable[..., System]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The healthy system, with other files (None: without it) and other answers (the same)."""

    def record(files: dict[str, str | None] | None = None, replies: dict[str, Any] | None = None) -> System:
        for name, text in (FILES | (files or {})).items():
            if text is not None:
                path = tmp_path / name.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        told = {line: reply for line, reply in (REPLIES | (replies or {})).items() if reply is not None}
        (tmp_path / ANSWERS).write_text(json.dumps({line.replace("ROOT", str(tmp_path)): told[line] for line in told}))
        return recorded(tmp_path)

    return record
