from pathlib import Path

import pytest

from edgeseg.deploy.address import Address
from edgeseg.deploy.inventory import read_inventory
from edgeseg.errors import UsageError

INI = """
# the shop
gate ansible_host=10.0.0.2 ansible_user=admin

[belts]
pi[08:10].local ansible_port=2222  # three
[belts:vars]
ansible_user = pi

[coral]
tpu ansible_host=10.0.0.9 ansible_ssh_private_key_file=/keys/tpu

[shop:children]
belts
coral

[shop:vars]
ansible_user=shop
"""
YAML = """
all:
  vars: {ansible_user: pi}
  children:
    belts:
      hosts:
        one: {ansible_host: 10.0.0.1, ansible_port: 2222}
        two:
    coral:
      hosts: {tpu: {ansible_user: root}}
      vars: {ansible_user: mendel}
"""


def write(folder: Path, text: str, name: str = "inventory.ini") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_ini_hosts_ranges_and_variables_are_read_the_closest_winning(tmp_path: Path) -> None:
    found = read_inventory(write(tmp_path, INI))
    assert found == [
        Address("10.0.0.2", "admin", name="gate"),
        *(Address(f"pi{n}.local", "pi", 2222, name=f"pi{n}.local") for n in ("08", "09", "10")),
        Address("10.0.0.9", "shop", None, "/keys/tpu", "tpu"),
    ]


def test_an_inner_group_wins_also_where_the_outer_one_has_no_more_hosts(tmp_path: Path) -> None:
    lines = ["[inner]", "one", "[inner:vars]", "ansible_user=inner", "[outer:children]", "inner", "[outer:vars]"]
    text = "\n".join([*lines, "ansible_user=outer", "ansible_port=2222"])
    assert read_inventory(write(tmp_path, text)) == [Address("one", "inner", 2222, name="one")]


def test_yaml_groups_are_read(tmp_path: Path) -> None:
    found = read_inventory(write(tmp_path, YAML, "inventory.yml"))
    expected = [Address("10.0.0.1", "pi", 2222, name="one"), Address("two", "pi", name="two")]
    assert found == [*expected, Address("tpu", "root", name="tpu")]


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        (["coral"], ["tpu"]),
        (["shop"], ["pi08.local", "pi09.local", "pi10.local", "tpu"]),
        (["gate", "coral"], ["gate", "tpu"]),
        (["pi09.local"], ["pi09.local"]),
        (["ungrouped"], ["gate"]),
    ],
)
def test_limits_name_groups_and_hosts(tmp_path: Path, limits: list[str], names: list[str]) -> None:
    assert [each.name for each in read_inventory(write(tmp_path, INI), limits)] == names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("i.ini", "[belts\none", "is no heading"),
        ("i.ini", "[belts:children:more]\none", "is no heading"),
        ("i.ini", "one two", "line 1: after a host come variables"),
        ("i.ini", "one a='b", "close the quotes"),
        ("i.ini", "pi[a:c]", "is no range"),
        ("i.ini", "one ansible_port=ssh", "ansible_port is ssh"),
        ("i.ini", "one ansible_host={{ lookup('env', 'X') }}", "works no templates out|variables"),
        ("i.ini", "one 'ansible_user={{ me }}'", "works no templates out"),
        ("i.ini", "one ansible_host=-oProxyCommand=x", "is no name of a host"),
        ("i.ini", "[a:children]\nb\n[b:children]\na\n", "within itself"),
        ("i.ini", "one\n[all:vars]\nansible_user pi", "line 3: 'ansible_user pi' is no variable"),
        ("i.ini", "one\n[a:children]\nb", "a group 'b' that is not there"),
        ("i.yml", "all: {childen: {}}", "has 'childen'; it may have hosts, vars, children"),
        ("i.ini", "", "has no boards"),
        ("i.yml", "all: {hosts: {one: !vault abc}}", "no plain YAML"),
        ("i.yml", "all: {hosts: [one, two]}", "is no mapping"),
        ("i.yml", "!!python/object/apply:os.system [true]", "no plain YAML"),
        ("i.yml", "a: [", "no plain YAML"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_inventory(write(tmp_path, text, name))


def test_an_unknown_limit_lists_the_groups(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no group or host 'belt'; groups are belts, coral, shop"):
        read_inventory(write(tmp_path, INI), ["belt"])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_inventory(tmp_path / "none.ini")
