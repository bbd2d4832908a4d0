"""What one conversion came to: the figures that the terminal, report.json and report.html show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from converters.calibration import Coverage
from converters.job import tuples
from converters.layers import LayerError
from edgeseg.compare import Comparison
from edgeseg.errors import GateError

VERSION = 1
"""Of report.json."""
LENIENT = "look at what it cost, or allow more"


@dataclass(frozen=True)
class Result:
    """A converted model beside its source."""

    source: str
    name: str
    """Of the result's file."""
    scheme: str
    bytes: int
    float_bytes: int
    """Of the source as a float32 .tflite."""
    latency_ratio: float
    """Inference time over that of the float32 .tflite, on the machine that converted."""
    comparison: Comparison
    """First the source as it runs before the conversion, second the result."""
    coverage: Coverage | None
    """Of the calibration frames; None for a scheme that needs none."""
    layers: tuple[LayerError, ...]
    """By their own error, the worst first."""
    float_layers: tuple[str, ...]
    """For `mixed`."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    failures: tuple[str, ...]
    """What the gate found, a clause each; empty where the result may be used."""

    @property
    def agreement(self) -> float:
        """Share of pixels on which source and result agree, 0..1."""
        return self.comparison.agreement

    @property
    def float_miou(self) -> float | None:
        """Of the source, 0..1; None without masks."""
        return self.comparison.first.scores.miou if self.comparison.first else None

    @property
    def miou(self) -> float | None:
        """Of the result, 0..1; None without masks."""
        return self.comparison.second.scores.miou if self.comparison.second else None

    @property
    def worst_class(self) -> tuple[str, float] | None:
        """The class that loses most IoU, and how much in points of 100; None without masks."""
        drops = self.comparison.drops
        return max(drops.items(), key=lambda item: item[1]) if drops else None

    def to_json(self) -> dict[str, Any]:
        """What report.json holds; fractions of 1, drops in points of 100."""
        return {
            "version": VERSION,
            **vars(self),
            "comparison": self.comparison.to_json(),
            "coverage": vars(self.coverage) if self.coverage else None,
            "layers": [vars(each) | {"words": each.words} for each in self.layers],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """Read what `to_json` gave."""
        plain = tuples({key: each for key, each in data.items() if key != "version"})
        layers = ({key: each for key, each in layer.items() if key != "words"} for layer in data["layers"])
        read = {
            "comparison": Comparison.from_json(data["comparison"]),
            "coverage": Coverage(**tuples(data["coverage"])) if data["coverage"] else None,
            "layers": tuple(LayerError(**layer) for layer in layers),
        }
        return cls(**(plain | read))

    def require(self) -> None:
        """Raise GateError with the `failures`, if there are any."""
        if self.failures:
            remedy = "try --scheme mixed, or train with --qat" if self.scheme in ("int8", "dynamic") else LENIENT
            raise GateError(f"{self.name} was not written: {'; '.join(self.failures)}; {remedy}")

    def judged(self, min_agreement: float, max_drop: float, max_class_drop: float) -> Result:
        """The same with `failures`: shares in 0..1, drops in points of 100."""
        failures = []
        if not self.agreement >= min_agreement:
            failures.append(
                f"it agrees with its source on {100 * self.agreement:.1f} % of the pixels, "
                f"below {100 * min_agreement:g} % (--min-agreement)"
            )
        drop, worst = self.comparison.drop, self.worst_class
        if drop is not None and not drop <= max_drop:
            failures.append(f"it loses {drop:.2f} points of mIoU, more than {max_drop:g} (--max-drop)")
        if worst and worst[1] > max_class_drop:
            failures.append(
                f"{worst[0]} loses {worst[1]:.2f} points of IoU, more than {max_class_drop:g} (--max-class-drop)"
            )
        return replace(self, failures=tuple(failures))
