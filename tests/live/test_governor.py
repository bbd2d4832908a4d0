from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.live.governor import RATES, Governor, Ruling

ZONE = "class/thermal/thermal_zone"
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
BOARDS = {
    "healthy Pi 4": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "51121\n", THROTTLED: "0\n"},
    "hot Pi 4": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "82765\n", THROTTLED: "e0008\n"},
    "throttled Pi 5": {
        f"{ZONE}0/type": "cpu-thermal\n",
        f"{ZONE}0/temp": "79350\n",
        "devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "60006\n",
    },
    "warm Pi 3B+": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "61224\n", THROTTLED: "80008\n"},
    "weak supply": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "48300\n", THROTTLED: "50005\n"},
    "hot with a weak supply": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "81300\n", THROTTLED: "50005\n"},
    "throttled without a sensor": {THROTTLED: "4\n"},
    "was throttled": {f"{ZONE}0/type": "cpu-thermal\n", f"{ZONE}0/temp": "48300\n", THROTTLED: "70000\n"},
    "many zones": {
        f"{ZONE}0/type": "gpu-thermal\n",
        f"{ZONE}0/temp": "91000\n",
        f"{ZONE}1/type": "soc-thermal\n",
        f"{ZONE}1/temp": "55000\n",
        f"{ZONE}2/type": "bigcore0-CPU\n",
        f"{ZONE}2/temp": "57000\n",
        f"{ZONE}3/type": "cpu-broken\n",
        f"{ZONE}3/temp": "-274000\n",
    },
    "no zone of its own": {f"{ZONE}0/type": "acpitz\n", f"{ZONE}0/temp": "40000\n"},
    "no sensors": {},
    "garbage": {
        f"{ZONE}0/type": "cpu-thermal\n",
        f"{ZONE}0/temp": "hot\n",
        f"{ZONE}1/type": "cpu-thermal\n",
        f"{ZONE}1/temp": "",
        f"{ZONE}2/temp": "99000\n",
        THROTTLED: "yes\n",
    },
}
"""What sysfs holds, by path and content."""


@pytest.fixture
def board(tmp_path: Path) -> Callable[[str], Path]:
    """Lay out one of `BOARDS` in place of what was there."""

    def make(name: str) -> Path:
        for path in tmp_path.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, content in BOARDS[name].items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("healthy Pi 4", Ruling(51.121)),
        ("hot Pi 4", Ruling(82.765, 0.75, text="three quarters of the rate, at 83 °C")),
        ("throttled Pi 5", Ruling(79.35, 0.75, text="three quarters of the rate, throttled at 79 °C")),
        ("warm Pi 3B+", Ruling(61.224)),
        ("weak supply", Ruling(48.3, text="undervoltage: check the power supply")),
        (
            "hot with a weak supply",
            Ruling(81.3, 0.75, text="undervoltage: check the power supply; three quarters of the rate, at 81 °C"),
        ),
        ("throttled without a sensor", Ruling(None, 0.75, text="three quarters of the rate, throttled")),
        ("was throttled", Ruling(48.3)),
        ("many zones", Ruling(57.0)),
        ("no zone of its own", Ruling(40.0)),
        ("no sensors", Ruling()),
        ("garbage", Ruling()),
    ],
)
def test_what_a_board_says_is_understood(name: str, expected: Ruling, board: Callable[[str], Path]) -> None:
    assert Governor(board(name)).poll(0.0) == expected


def test_a_machine_without_sysfs_is_left_alone(tmp_path: Path) -> None:
    assert Governor(tmp_path / "none").poll(0.0) == Ruling()


def test_it_steps_down_every_20_s_and_then_asks_for_a_smaller_model_every_30_s(board: Callable[[str], Path]) -> None:
    governor = Governor(board("hot Pi 4"))
    rulings = {now: governor.poll(float(now)) for now in range(0, 140, 2)}
    rates = [ruling.rate for ruling in rulings.values()]
    assert [now for now in rulings if now and rulings[now].rate != rulings[now - 2].rate] == [20, 40]
    assert sorted(set(rates), reverse=True) == [0.75, 0.5, 0.25]
    assert [now for now, ruling in rulings.items() if ruling.smaller] == [70, 100, 130]
    assert rulings[70].text == rulings[72].text == "a quarter of the rate, at 83 °C"


def test_it_steps_up_after_a_minute_below_the_lower_mark(board: Callable[[str], Path]) -> None:
    root = board("hot Pi 4")
    governor = Governor(root)
    governor.poll(0.0)
    assert governor.poll(20.0).rate == 0.5
    board("healthy Pi 4")
    (root / ZONE).with_name("thermal_zone0").joinpath("temp").write_text("75000")  # between the marks: stay
    assert {governor.poll(float(now)).rate for now in range(22, 200, 2)} == {0.5}
    board("healthy Pi 4")
    rates = [governor.poll(float(now)).rate for now in range(200, 330, 2)]
    assert rates == [0.5] * 30 + [0.75] * 30 + [1.0] * 5


def test_sensors_that_vanish_do_not_hold_the_loop_back_for_ever(board: Callable[[str], Path]) -> None:
    governor = Governor(board("hot Pi 4"))
    governor.poll(0.0)
    board("no sensors")
    assert governor.poll(2.0).text == "three quarters of the rate, cooling down"
    assert governor.poll(62.0) == Ruling()


class Board:
    """One mass that warms with the work and cools towards a room of 25 °C; idle heats by a quarter of full work."""

    def __init__(self, root: Path, full_c: float, seconds: float) -> None:
        self._file = root / f"{ZONE}0/temp"
        self._rise, self._seconds = full_c - 25, seconds
        self.work = 1.0
        """Of the model, as a share of the first one's."""
        self.now_c = 25.0

    def settles_at(self, rate: float) -> float:
        return 25 + self._rise * (0.25 + 0.75 * rate * self.work)

    def run(self, rate: float, seconds: float) -> None:
        self.now_c += (self.settles_at(rate) - self.now_c) * seconds / self._seconds
        self._file.write_text(str(round(self.now_c * 1000)))


@pytest.mark.parametrize(("full_c", "seconds"), [(78, 120), (84, 30), (97, 400), (130, 120)])
def test_a_board_that_heats_up_settles(full_c: float, seconds: float, board: Callable[[str], Path]) -> None:
    root = board("healthy Pi 4")
    simulated, governor = Board(root, full_c, seconds), Governor(root)
    hour, rate, hottest_c = 3600, 1.0, 0.0
    changes = []
    for now in range(0, 4 * hour, 10):
        simulated.run(rate, 10)
        ruling = governor.poll(float(now))
        if ruling.smaller:
            simulated.work *= 0.7
        if ruling.rate != rate:
            changes.append(now)
        rate = ruling.rate
        hottest_c = max(hottest_c, simulated.now_c if now > hour else 0.0)
    assert simulated.settles_at(min(RATES)) < 80
    assert hottest_c < 84
    assert (rate == 1.0 and not changes) == (full_c < 80)
    assert sum(now > 3 * hour for now in changes) <= 3, changes  # an hour between two attempts to go faster
