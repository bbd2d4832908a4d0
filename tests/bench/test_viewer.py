from edgeseg.bench.memory import MemorySource
from edgeseg.bench.result import Setting
from edgeseg.bench.sinks import ClockSink
from edgeseg.bench.viewer import Viewer
from edgeseg.live.run import run


def test_a_viewer_in_its_own_process_watches_the_page_of_a_loop() -> None:
    setting = Setting("stub:?invoke_ms=5&size=32x32")
    with Viewer() as viewer:
        clock = ClockSink(0.2, begin=viewer.watching)
        source = MemorySource(setting.jpegs, 10**6)
        run(setting.open(), source, ["http://127.0.0.1:0"], say=viewer, extra=[clock])
        assert viewer.watching.is_set()
    assert clock.fps > 0


def test_what_is_no_page_starts_nobody() -> None:
    with Viewer() as viewer:
        viewer("source: lost")
        assert viewer._process is None
