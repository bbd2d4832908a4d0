from pathlib import Path

import pytest

from edgeseg.flash.card import open_card
from edgeseg.flash.errors import CardError
from edgeseg.flash.image import open_image
from edgeseg.flash.probe import check_marks, mark, places
from edgeseg.flash.units import MIB
from edgeseg.flash.write import write_card
from tests.flash.conftest import MakeCard


@pytest.mark.parametrize("kind", ["wraps", "vanishes"])
def test_a_counterfeit_card_is_found_out_and_does_not_boot(
    kind: str, image: Path, make_counterfeit: MakeCard, tmp_path: Path
) -> None:
    card = make_counterfeit(64, 24, kind)
    with pytest.raises(CardError, match=r"counterfeit.*claims 67\.1 MB but keeps no more than 2"):
        write_card(open_image(image), card)
    with (tmp_path / "counterfeit" / "card").open("rb") as stored:
        assert stored.read(MIB) == bytes(MIB)


def test_an_honest_card_passes(make_card: MakeCard) -> None:
    with open_card(make_card(24).path) as card:
        check_marks(card, mark(card), 0)


@pytest.mark.parametrize("steps", [64, 1000, 30_436])
def test_every_size_that_addresses_may_wrap_at_brings_two_marks_together(steps: int) -> None:
    marks = [place // MIB for place in places(steps * MIB)]
    together = {b - a for i, a in enumerate(marks) for b in marks[i + 1 :]}
    assert set(range(len(marks), steps - len(marks))) <= together
    assert len(marks) < 3 * steps**0.5
    assert marks[0] > 0
    assert marks[-1] == steps - 1
