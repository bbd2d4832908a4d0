from edgeseg.printable import LONGEST, printable


def test_letters_of_all_languages_stay() -> None:
    assert printable("Küchen-Kamera 東京 (1)") == "Küchen-Kamera 東京 (1)"


def test_what_steers_a_terminal_does_not() -> None:
    assert printable("a\x1b[2J\r\nb\x9b\u202e") == "a?[2J??b??"


def test_a_long_text_is_cut() -> None:
    assert len(printable("x" * 100_000)) == LONGEST
