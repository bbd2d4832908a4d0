"""The boards in inventory.ini, as pyinfra wants them: a list for each group."""

import configparser
import os
import shlex
from pathlib import Path

NAMES = {"ansible_host": "ssh_hostname", "ansible_user": "ssh_user", "ansible_port": "ssh_port"}

_file = configparser.ConfigParser(allow_no_value=True, delimiters=("\n",), interpolation=None)
_file.optionxform = str
_file.read_string(Path(os.environ.get("INVENTORY", "inventory.ini")).read_text())


def _data(words):
    given = dict(word.split("=", 1) for word in words)
    return {NAMES[key]: int(value) if key == "ansible_port" else value for key, value in given.items() if key in NAMES}


_all = _data(_file["all:vars"]) if "all:vars" in _file else {}
for _group in _file.sections():
    if ":" not in _group:
        _lines = [shlex.split(line) for line in _file[_group]]
        globals()[_group] = [(name, {**_all, **_data(words)}) for name, *words in _lines]
