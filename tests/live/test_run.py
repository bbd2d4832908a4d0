import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeseg.bundle.archive import CACHE_VARIABLE
from edgeseg.bundle.pack import Order, pack
from edgeseg.errors import ModelError, OutputError, UsageError
from edgeseg.labels import Labels
from edgeseg.live.config import LoopConfig
from edgeseg.live.models import open_model, reopen
from edgeseg.live.run import run
from edgeseg.segmenter import Segmenter
from edgeseg.sinks.sink import EndLoop, Segmented
from edgeseg.sources import open_source
from edgeseg.sources.frame import Frame
from edgeseg.stats import LiveStats
from edgeseg.stub import StubInterpreter

STUB = "stub:?invoke_ms=1&size=64x96"


class Kept:
    """A sink that keeps all, and may raise at a frame."""

    def __init__(self, at: int | None = None, error: Exception | None = None) -> None:
        self.got, self._at, self._error, self.complete = list[Segmented](), at, error, None

    def write(self, segmented: Segmented) -> None:
        if segmented.index == self._at:
            raise self._error
        self.got.append(segmented)

    def close(self, complete: bool) -> None:
        self.complete = complete


class Listed:
    """A source of frames that are there already."""

    fps, total, live, dropped, state, prepare = 10.0, None, False, 0, "", None

    def __init__(self, frames: list[Frame | None]) -> None:
        self._frames, self.notes, self.closed = frames, list[str](), False

    def frames(self) -> Iterator[Frame | None]:
        yield from self._frames

    def close(self) -> None:
        self.closed = True


def plain(index: int, size: tuple[int, int] = (48, 64)) -> Frame:
    return Frame(np.full((*size, 3), index, np.uint8), str(index), time.monotonic())


def names(sink: Kept) -> list[str]:
    return [each.frame.name for each in sink.got]


def test_every_takes_each_so_manyth_frame() -> None:
    sink = Kept()
    run(open_model(STUB), Listed([plain(i) for i in range(10)]), config=LoopConfig(every=3), extra=[sink])
    assert names(sink) == ["0", "3", "6", "9"]


def test_a_part_of_the_picture_is_all_that_sinks_see() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[10:30, 20:50] = 255
    sink = Kept()
    run(open_model(STUB), Listed([Frame(image, "a", 0.0)]), config=LoopConfig(roi=(20, 10, 30, 20)), extra=[sink])
    assert sink.got[0].frame.image.shape == (20, 30, 3)
    assert sink.got[0].frame.image.min() == 255


def test_a_part_outside_every_picture_is_refused() -> None:
    source = Listed([plain(i) for i in range(200)])
    with pytest.raises(UsageError, match="40,40,100,10 lies outside a frame of 64x48"):
        run(open_model(STUB), source, config=LoopConfig(roi=(40, 40, 100, 10)))
    assert source.closed


def test_a_damaged_frame_among_good_ones_is_left_out_and_counted() -> None:
    broken = Frame(None, "broken", 0.0, jpeg=b"\xff\xd8 no picture")
    sink = Kept()
    stats = run(open_model(STUB), Listed([plain(0), broken, plain(2)]), extra=[sink])
    assert names(sink) == ["0", "2"]
    assert stats.bad == 1


def test_frames_of_a_changed_size_go_on() -> None:
    sink = Kept()
    run(open_model(STUB), Listed([plain(0), plain(1, (100, 30))]), extra=[sink], config=LoopConfig(smooth=True))
    assert [each.frame.image.shape[:2] for each in sink.got] == [(48, 64), (100, 30)]


def test_ticks_without_a_frame_are_no_frames() -> None:
    assert run(open_model(STUB), Listed([None, plain(0), None, None, plain(1)])).frames == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_the_viewer_may_end_the_loop(threads: int) -> None:
    sink = Kept(at=3, error=EndLoop())
    frames = Listed([plain(i) for i in range(200)])
    stats = run(open_model(STUB), frames, extra=[sink], config=LoopConfig(threads=threads))
    assert 3 <= stats.frames < 20
    assert len(sink.got) == 3
    assert sink.complete


@pytest.mark.parametrize("threads", [1, 2])
def test_an_output_that_fails_does_not_end_the_loop_but_is_told_at_its_end(threads: int) -> None:
    bad, good = Kept(at=2, error=OutputError("the disk is full; free some space")), Kept()
    said: list[str] = []
    with pytest.raises(OutputError, match="the disk is full"):
        run(
            open_model(STUB),
            Listed([plain(i) for i in range(10)]),
            config=LoopConfig(threads=threads),
            say=said.append,
            extra=[bad, good],
        )
    assert len(good.got) == 10
    assert any("the disk is full" in text for text in said)


def test_a_mistake_of_ours_in_a_sink_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(open_model(STUB), Listed([plain(i) for i in range(9)]), extra=[Kept(at=2, error=ZeroDivisionError())])


def test_smoothing_tells_the_flicker_with_and_without() -> None:
    rng = np.random.default_rng(0)
    image = np.full((64, 96, 3), 85, np.uint8)  # on the edge between two of the stub's classes
    noisy = [
        Frame(np.clip(image + rng.integers(-2, 3, image.shape), 0, 255).astype(np.uint8), "", 0.0) for _ in range(60)
    ]
    stats = run(open_model(STUB), Listed(noisy), config=LoopConfig(smooth=True))
    assert stats.flicker > 0.2
    assert stats.flicker_smoothed < stats.flicker / 2


def test_a_loop_is_held_to_the_rate_asked_for() -> None:
    began = time.monotonic()
    run(open_model(STUB), Listed([plain(i) for i in range(20)]), config=LoopConfig(max_fps=40))
    assert time.monotonic() - began > 0.4


def test_an_accelerator_that_hangs_is_left_and_the_cpu_model_goes_on(int8_model: Path, tmp_path: Path) -> None:
    cpu = tmp_path / "m.tflite"
    cpu.write_bytes(int8_model.read_bytes())
    real = Segmenter(cpu)
    hanging = open_model("stub:?size=64x96&invoke_ms=1&hang_at=5&classes=5", labels=real.labels)
    hanging.path = tmp_path / "m_edgetpu.tflite"
    said: list[str] = []
    sink = Kept()
    stats = run(
        hanging,
        open_source("belt:?size=64x96&frames=12"),
        config=LoopConfig(invoke_limit_s=0.5),
        say=said.append,
        extra=[sink],
    )
    assert stats.model == "m.tflite"
    assert names(sink) == [f"{i:06d}" for i in (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11)]  # 4 is lost in the accelerator
    assert np.array_equal(sink.got[-1].label_map, real.label_map(sink.got[-1].frame.image))
    assert [text for text in said if "m.tflite goes on in its place" in text]


def test_an_accelerator_that_hangs_and_has_no_stand_in_ends_the_loop_with_a_cure() -> None:
    with pytest.raises(ModelError, match=r"has not come back for 0\.3 s; .*--fallback"):
        run(
            open_model("stub:?hang_at=3&invoke_ms=1"),
            open_source("belt:?size=64x96"),
            config=LoopConfig(invoke_limit_s=0.3),
        )


def test_an_accelerator_that_fails_is_left_as_one_that_hangs(int8_model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    failing = open_model("stub:?size=64x96&invoke_ms=1&fail_at=5&classes=5", labels=Segmenter(int8_model).labels)
    stats = run(
        failing, open_source("belt:?size=64x96&frames=12"), config=LoopConfig(fallback=int8_model), say=said.append
    )
    assert stats.model == int8_model.name
    assert stats.frames == 11
    assert [text for text in said if "the inference failed" in text]


def test_an_accelerator_that_fails_and_has_no_stand_in_ends_the_loop_with_a_cure() -> None:
    with pytest.raises(ModelError, match=r"the inference failed .*--fallback"):
        run(open_model("stub:?fail_at=3&invoke_ms=1"), open_source("belt:?size=64x96"))


def test_an_accelerator_that_wakes_too_late_disturbs_nobody(int8_model: Path) -> None:
    woken = threading.Event()

    class Waking(StubInterpreter):
        invoked = 0

        def invoke(self) -> None:
            self.invoked += 1
            if self.invoked == 5:
                woken.wait(60)
                raise RuntimeError("unplugged")

    class Waker(Kept):
        def write(self, segmented: Segmented) -> None:
            super().write(segmented)
            if segmented.index == 8:
                woken.set()

    labels = Segmenter(int8_model).labels
    sink = Waker()
    stats = run(
        Segmenter("waking", labels=labels, interpreter=Waking((64, 96), 5, 0)),
        open_source("belt:?size=64x96&frames=40&fps=100"),
        config=LoopConfig(fallback=int8_model, invoke_limit_s=0.3),
        extra=[sink],
    )
    assert stats.frames == 39
    assert sink.complete


def test_ending_before_the_first_frame_is_no_failure() -> None:
    class Silent(Listed):
        def frames(self) -> Iterator[None]:
            while not self.closed:
                time.sleep(0.05)
                yield None

    def interrupt(stats: LiveStats) -> None:
        raise KeyboardInterrupt  # as Ctrl-C does in the main thread

    assert run(open_model(STUB), Silent([]), on_progress=interrupt).frames == 0


def test_frames_that_stop_being_usable_are_told() -> None:
    good, small = plain(0, (100, 100)), [plain(1, (20, 20)) for _ in range(40)]
    stats = run(open_model(STUB), Listed([good, *small]), config=LoopConfig(roi=(0, 0, 50, 50)))
    assert stats.frames == 1
    assert stats.bad == 40
    assert "none of the last 40 frames can be used: the part 0,0,50,50 lies outside" in stats.source


def swap(path: Path, data: bytes) -> tuple[LiveStats, str]:
    """Run a loop on a copy of a model, put `data` in its place, ask for it to be read: figures, and what was said."""
    reload, said, stop = threading.Event(), list[str](), threading.Event()

    class Swapping(Kept):
        def write(self, segmented: Segmented) -> None:
            if segmented.index == 3:
                path.write_bytes(data)
                reload.set()
            if stop.is_set():
                raise EndLoop

    def say(text: str) -> None:
        said.append(text)
        if path.name in text:
            stop.set()

    frames = (plain(i % 200) for i in itertools.count())
    source = Listed([])
    source.frames = lambda: frames  # type: ignore[method-assign]
    config = LoopConfig(max_fps=50, threads=1, max_frames=3000)
    model = open_model(str(path))
    return run(model, source, say=say, extra=[Swapping()], reload=reload, config=config), " ".join(said)


def test_a_model_swapped_for_a_broken_one_leaves_the_old_one_at_work(int8_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(int8_model.read_bytes())
    stats, said = swap(path, int8_model.read_bytes()[:5000])
    assert "convert the model again" in said
    assert "the model before it goes on" in said
    assert stats.scheme == "int8"


def test_a_model_swapped_for_a_good_one_is_used(models: Callable[[str, str], Path], tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(models("int8", "labels").read_bytes())
    stats, said = swap(path, models("float32", "labels").read_bytes())
    assert "read anew" in said
    assert stats.scheme == "float32"


def test_a_bundle_swapped_for_another_is_used(
    models: Callable[[str, str], Path], belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path, other = tmp_path / "m.edgeseg", tmp_path / "other.edgeseg"
    pack(Order(models("int8", "labels"), belt_set, path, frames=1))
    pack(Order(models("float32", "labels"), belt_set, other, frames=1))
    stats, said = swap(path, other.read_bytes())
    assert f"{path}: read anew" in said
    assert stats.scheme == "float32"


def test_a_model_of_other_classes_cannot_take_the_place(models: Callable[[str, str], Path], tmp_path: Path) -> None:
    model = Segmenter(models("int8", "labels"))
    model.info = replace(model.info, labels=Labels.from_names(["a", "b", "c", "d", "e"]))
    with pytest.raises(UsageError, match="has other classes"):
        reopen(model)


def hot(folder: Path) -> Path:
    """A sysfs whose processor is far too hot."""
    zone = folder / "class" / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("99000\n")
    (zone / "type").write_text("cpu-thermal\n")
    return folder


def test_a_hot_board_is_slowed_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    config = LoopConfig(system=hot(tmp_path / "sys"), max_frames=10)
    stats = run(open_model(STUB), open_source("belt:?size=64x96&fps=20"), config=config, say=said.append)
    assert stats.temperature_c == 99
    assert "99" in stats.governor
    assert [text for text in said if text.startswith("governor: three quarters of the rate")]


def test_a_board_that_stays_hot_gets_the_smaller_model(
    int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeseg.live.governor.STEP_S", 0.1)
    monkeypatch.setattr("edgeseg.live.governor.SMALLER_S", 0.1)
    monkeypatch.setattr("edgeseg.live.watch.GOVERN_EVERY_S", 0.01)
    said: list[str] = []
    labels = Segmenter(int8_model).labels
    stats = run(
        open_model("stub:?size=64x96&invoke_ms=1&classes=5", labels=labels),
        open_source("belt:?size=64x96&fps=20"),
        config=LoopConfig(system=hot(tmp_path / "sys"), fallback=int8_model, max_frames=60),
        say=said.append,
    )
    assert stats.model == int8_model.name
    assert [text for text in said if "the smaller model goes on" in text]


def test_with_two_threads_the_source_prepares_what_the_network_sees() -> None:
    sink = Kept()
    source = open_source("fake:?play=belt:?size=96x128&cycle=5&fps=60&frames=40")
    run(open_model("stub:?invoke_ms=1&size=64x96"), source, config=LoopConfig(threads=2), extra=[sink])
    model = open_model("stub:?invoke_ms=0&size=64x96")
    prepared = [each for each in sink.got if each.frame.prepared is not None]
    assert len(prepared) > len(sink.got) / 2
    for each in sink.got:
        assert np.array_equal(each.label_map, model.label_map(each.frame.image))
