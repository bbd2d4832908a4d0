from edgeseg.flash.meter import Meter


def test_speed_and_time_left_are_those_of_the_stage() -> None:
    times = iter([0.0, 100.0, 101.0, 200.0])
    meter = Meter(lambda: next(times))
    meter.text("probing", 1, 2)
    meter.text("writing", 10_000_000, 1_010_000_000)
    assert meter.text("writing", 30_000_000, 1_010_000_000).endswith(" writing 30.0 MB of 1.0 GB, 20.0 MB/s, 49 s left")
    assert meter.text("checking", 0, 1_000_000).endswith(" checking 0.0 MB of 1.0 MB")


def test_without_a_total_there_is_a_count() -> None:
    times = iter([0.0, 2.0])
    meter = Meter(lambda: next(times))
    meter.text("measuring", 0, 0)
    assert meter.text("measuring", 4_000_000, 0) == "measuring 4.0 MB, 2.0 MB/s"
