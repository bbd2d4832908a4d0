"""The figures in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeseg.stats import LiveStats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(stats: LiveStats, classes: Iterable[str], stale: bool, viewers: int, version: str) -> str:
    """All metrics as one text; those that the board cannot give are absent, and each class is there even at 0."""
    areas = {name: stats.areas_now.get(name, 0.0) for name in classes}
    return "".join(line + "\n" for line in _lines(stats, areas, stale, viewers, version))


def _lines(stats: LiveStats, areas: dict[str, float], stale: bool, viewers: int, version: str) -> Iterator[str]:
    yield from _one("info", "gauge", "What runs; always 1.", 1, model=stats.model, version=version)
    yield from _one("up", "gauge", "1 while frames come, 0 when they have stopped.", int(not stale))
    yield from _one("stale", "gauge", "1 when frames have stopped, 0 while they come.", int(stale))
    yield from _one("frames_total", "counter", "Frames segmented.", stats.frames)
    yield from _one(
        "dropped_frames_total", "counter", "Frames that a newer one replaced before they were segmented.", stats.dropped
    )
    yield from _one("bad_frames_total", "counter", "Frames that could not be read.", stats.bad)
    yield from _one("fps", "gauge", "Frames a second over the last few seconds.", stats.recent_fps)
    yield from _one("invoke_seconds", "gauge", "The network alone, median of recent frames.", stats.invoke_ms / 1000)
    yield from _one(
        "overhead_seconds", "gauge", "All else that a frame costs the loop, median.", stats.overhead_ms / 1000
    )
    yield from _one("frame_age_seconds", "gauge", "From a frame's capture to its mask, median.", stats.age_ms / 1000)
    yield from _one("viewers", "gauge", "Pages and streams that watch.", viewers)
    if stats.temperature_c is not None:
        yield from _one("temperature_celsius", "gauge", "Of the processor.", stats.temperature_c)
    yield from _head("class_area_ratio", "gauge", "Share of the newest picture, 0 to 1.")
    for name, area in areas.items():
        yield _sample("class_area_ratio", area, {"class": name})


def _one(name: str, kind: str, text: str, value: float, **labels: str) -> Iterator[str]:
    yield from _head(name, kind, text)
    yield _sample(name, value, labels)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP edgeseg_{name} {text}"
    yield f"# TYPE edgeseg_{name} {kind}"


def _sample(name: str, value: float, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"edgeseg_{name}{{{inside}}} {value}" if inside else f"edgeseg_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
