"""What `edgeseg bench MODEL` measures: one model at 1 to n threads, and another in turns with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeseg.bench import machine
from edgeseg.bench.latency import Latency, measure
from edgeseg.segmenter import Segmenter
from edgeseg.trial import require_survival

MOST_THREADS = 4
"""What `edgeseg live` takes at most, if nobody says otherwise."""


@dataclass(frozen=True)
class ModelReport:
    """Latencies of a model, and of another."""

    machine: str
    runtime: str
    size: tuple[int, int]
    """Height and width of the input."""
    latencies: tuple[Latency, ...]
    """At 1, 2, … threads."""
    against: tuple[Latency, ...]
    """The other model at the same numbers of threads; empty without one."""
    notes: tuple[str, ...]
    """What a user should know of the runtime, a line each."""

    @property
    def fastest(self) -> Latency:
        """The one with the smallest median."""
        return min(self.latencies, key=lambda each: each.percentile_ms(50))

    @property
    def ratios(self) -> list[float]:
        """The model's time over the other's, at 1, 2, … threads."""
        return [own.ratio_to(other) for own, other in zip(self.latencies, self.against, strict=False)]

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg bench --json` prints of it."""
        return {
            "machine": self.machine,
            "runtime": self.runtime,
            "size": self.size,
            "latencies": [each.to_json() for each in self.latencies],
            "against": [each.to_json() for each in self.against],
            "ratios": self.ratios,
        }


def bench_files(
    model: Path,
    against: Path | None = None,
    threads: int | None = None,
    seconds: float = 10.0,
    runtime: str | None = None,
    on_progress: Callable[[float, float], None] | None = None,
) -> ModelReport:
    """Measure `model`, and `against` in turns with it, at 1 to `threads` threads.

    Raises ModelError for a file that this machine cannot run.
    """
    counts = range(1, (threads or min(MOST_THREADS, machine.cores())) + 1)
    for path in filter(None, (model, against)):
        require_survival(path, runtime)
    own = [(Segmenter(model, count, runtime=runtime), count) for count in counts]
    others = [(Segmenter(against, count, runtime=runtime), count) for count in counts] if against else []
    found = measure([*own, *others], seconds, on_progress)
    first = own[0][0]
    return ModelReport(
        machine.name(),
        first.runtime,
        first.size,
        tuple(found[: len(own)]),
        tuple(found[len(own) :]),
        tuple(first.notes),
    )
