"""What a model would take on a board, by its multiplications alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeseg.boards import BOARDS, Board, Rate

FLOAT = frozenset({"float32", "float16"})
EIGHT_BIT = frozenset({"int8", "uint8"})


@dataclass(frozen=True)
class Projection:
    """The network alone, on all cores of a board."""

    board: Board
    ms: tuple[float, float] | None
    """The least and the most; None where the board has no rates, or none for a type of this model."""

    @property
    def fps(self) -> tuple[float, float] | None:
        """The least and the most."""
        return (1000 / self.ms[1], 1000 / self.ms[0]) if self.ms else None

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg bench --json` prints of it."""
        board = self.board
        return {"board": board.name, "ms": self.ms, "fps": self.fps, "basis": board.basis, "tried": board.tried}


def project(macs: Mapping[str, int]) -> list[Projection]:
    """For every board; `macs` are multiply-accumulates by the type of the activations."""
    return [Projection(board, _ms(board, macs)) for board in BOARDS]


def _ms(board: Board, macs: Mapping[str, int]) -> tuple[float, float] | None:
    least = most = 0.0
    for dtype, count in macs.items():
        rate = _rate(board, dtype)
        if rate is None:
            return None
        low, high = rate
        least, most = least + count / high / 1e6, most + count / low / 1e6
    return (least, most) if macs else None


def _rate(board: Board, dtype: str) -> Rate | None:
    if dtype in EIGHT_BIT:
        return board.int8
    return board.float32 if dtype in FLOAT else None
