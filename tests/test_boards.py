import pytest

from edgeseg.boards import BOARDS, board
from edgeseg.errors import UsageError


def test_names_are_unique_and_found() -> None:
    assert [board(each.name) for each in BOARDS] == list(BOARDS)
    assert len({each.name for each in BOARDS}) == len(BOARDS)


def test_an_unknown_board_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="no board is called 'rpi1'; known boards are rpi5, rpi4, rpi-zero2w"):
        board("rpi1")


@pytest.mark.parametrize("each", BOARDS, ids=lambda each: each.name)
def test_every_rate_has_a_basis_and_what_has_none_says_why(each) -> None:
    assert each.basis
    assert (each.int8 is None) == (each.float32 is None) == each.basis.startswith("not projected")
    for low, high in filter(None, (each.int8, each.float32)):
        assert 0 < low < high


def test_no_board_claims_to_have_been_tried_before_one_was() -> None:
    assert not [each.name for each in BOARDS if each.tried]


def test_int8_is_faster_than_float() -> None:
    assert all(each.int8[0] > each.float32[1] for each in BOARDS if each.int8 and each.float32)


@pytest.mark.parametrize("each", BOARDS, ids=lambda each: each.name)
def test_a_board_of_its_own_can_be_set_up_and_an_addition_says_what_it_needs(each) -> None:
    assert bool(each.ways) == bool(each.arch)
    assert each.ways or each.needs
