"""Many boards side by side: one that fails leaves the others alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeseg.deploy.address import Address
from edgeseg.deploy.connection import Login, connected
from edgeseg.deploy.errors import BoardError
from edgeseg.deploy.facts import Facts
from edgeseg.deploy.remote import Remote, Report
from edgeseg.deploy.rollout import Supplier
from edgeseg.errors import EdgesegError

if TYPE_CHECKING:
    from edgeseg.packages.cache import Packages

Job = Callable[[Remote, Address, Report], Awaitable[Any]]
Watch = Callable[[Address, str, int, int], None]
"""Gets a board, its stage, and how much of how much is done."""


@dataclass(frozen=True)
class Outcome:
    """How it went with one board."""

    address: Address
    result: Any
    """What the job gave; None after an error."""
    error: EdgesegError | None


async def over(boards: Sequence[Address], login: Login, job: Job, watch: Watch, parallel: int) -> list[Outcome]:
    """Connect to each board and do `job`, `parallel` at a time; outcomes are in the order of the boards."""
    free = asyncio.Semaphore(parallel)

    async def one(address: Address) -> Outcome:
        async with free:
            watch(address, "connecting", 0, 0)
            try:
                async with connected(address, login) as connection:
                    result = await job(Remote(connection), address, lambda *at: watch(address, *at))
            except EdgesegError as error:
                watch(address, "failed", 0, 0)
                return Outcome(address, None, error)
            except (LookupError, TypeError) as error:
                watch(address, "failed", 0, 0)
                return Outcome(
                    address, None, BoardError(f"its answer is not understood ({error!r}); update edgeseg here")
                )
            watch(address, "done", 0, 0)
            return Outcome(address, result, None)

    return await asyncio.gather(*map(one, boards))


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where all went well, the code that all failures share, else 1."""
    codes = {each.error.exit_code for each in outcomes if each.error}
    return 0 if not codes else codes.pop() if len(codes) == 1 else 1


def supplier() -> Supplier:
    """Builds packages for each kind of board once; others of its kind wait for it."""
    from edgeseg.packages.build import build
    from edgeseg.packages.target import Target

    begun: dict[tuple[Target, tuple[str, ...]], asyncio.Task[Packages]] = {}

    async def supply(facts: Facts, extras: tuple[str, ...], report: Report) -> Packages:
        report("building its packages", 0, 0)
        kind = Target(facts.machine, facts.python), extras
        if kind not in begun:
            begun[kind] = asyncio.create_task(asyncio.to_thread(build, kind[0], lambda _: None, extras))
        return await asyncio.shield(begun[kind])

    return supply
