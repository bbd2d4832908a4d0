import pytest
import yaml

from edgeseg.customise.merge import dumped, merged, parse, parse_user_data
from edgeseg.errors import DataError


def test_lists_are_joined_and_theirs_wins_elsewhere() -> None:
    theirs = {"runcmd": ["a"], "hostname": "x", "user": {"name": "me", "shell": "/bin/zsh"}, "packages": ["git"]}
    ours = {"runcmd": ["b"], "hostname": "y", "user": {"name": "me", "sudo": "all"}, "bootcmd": ["c"]}
    found, notes = merged(theirs, ours)
    assert found == {
        "runcmd": ["a", "b"],
        "hostname": "x",
        "user": {"name": "me", "shell": "/bin/zsh", "sudo": "all"},
        "packages": ["git"],
        "bootcmd": ["c"],
    }
    assert notes == ["hostname stays as your cloud-init has it, not as the options say"]


def test_a_conflict_is_told_without_its_value() -> None:
    found, notes = merged({"user": {"hashed_passwd": "$6$a"}}, {"user": {"hashed_passwd": "$6$b"}})
    assert found == {"user": {"hashed_passwd": "$6$a"}}
    assert notes == ["user.hashed_passwd stays as your cloud-init has it, not as the options say"]


def test_what_is_there_twice_is_there_once() -> None:
    assert merged({"a": ["x", "y"], "b": None}, {"a": ["y"], "b": [1]}) == ({"a": ["x", "y"], "b": [1]}, [])


def test_what_is_written_reads_the_same() -> None:
    data = {
        "plain": "text",
        "script": "line one\n  line 'two' \"three\"\n$x `y`\n",
        "tab": "a\n\ttab\n",
        "yes": "yes",
        "octal": "0644",
        "umlauts": "Käse ☃",
        "colon": "a: b # c",
        "list": [["sh", "-c", "x\ny\n"], {"a": 1}],
        "long": "word " * 300,
        "trailing": "space at end \n next\n",
    }
    assert yaml.safe_load(dumped(data, b"#cloud-config\n")) == data
    assert dumped(data, b"#cloud-config\n").startswith(b"#cloud-config\nplain: text\nscript: |")


def test_comments_alone_are_nothing() -> None:
    assert parse(b"# only\n\n#text\n", "f") is None
    assert parse_user_data(b"# only\n", "f") is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: [1\n", "f: is no YAML in line 2; mend it"),
        (b"- a\n", "f: is no mapping"),
        (b"\xff\xfe\x00", "f: is no YAML"),
        (b"!!python/object/apply:os.system ['true']\n", "f: is no YAML"),
        (b"a: 1\n", "f: begins with 'a: 1', and only what begins with #cloud-config"),
        (b"#!/bin/sh\na: 1\n", "f: begins with '#!/bin/sh'"),
    ],
)
def test_what_cannot_be_merged_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message.replace("[", r"\[")):
        parse_user_data(data, "f")
