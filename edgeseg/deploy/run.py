"""What the command asks of the boards, from the first connection to the last answer."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgeseg.deploy.address import Address
from edgeseg.deploy.connection import Login
from edgeseg.deploy.errors import BoardError
from edgeseg.deploy.facts import Facts, require_fit
from edgeseg.deploy.fleet import Job, Outcome, Watch, over, supplier
from edgeseg.deploy.remote import Remote, Report
from edgeseg.deploy.rollout import FACTS_S, SWITCH_S, Order, Supplier, roll_out, within


@dataclass(frozen=True)
class State:
    """What runs on a board."""

    facts: Facts
    board: dict[str, Any]
    """What `edgeseg.board status` said; empty where nothing was deployed."""


@dataclass(frozen=True)
class Run:
    """One call of the command, to all its boards."""

    boards: Sequence[Address]
    login: Login
    watch: Watch
    parallel: int = 8

    def roll_out(self, order: Order, supply: Supplier | None = None) -> list[Outcome]:
        """Outcomes hold a `Result` each."""
        supplied = supply or supplier()

        async def job(remote: Remote, address: Address, report: Report) -> Any:
            return await roll_out(remote, _user(address), order, supplied, report)

        return self._over(job)

    def rollback(self) -> list[Outcome]:
        """Outcomes hold what the board answered."""

        async def job(remote: Remote, address: Address, report: Report) -> Any:
            report("asking", 0, 0)
            facts = await within(FACTS_S, "facts", remote.facts())
            require_fit(facts, _user(address))
            if not facts.current:
                raise BoardError("nothing was deployed here; there is no release to go back to")
            report("switch", 0, 0)
            return await within(SWITCH_S, "rollback", remote.board("current", "rollback"))

        return self._over(job)

    def status(self) -> list[Outcome]:
        """Outcomes hold a `State` each."""

        async def job(remote: Remote, address: Address, report: Report) -> Any:
            report("asking", 0, 0)
            facts = await within(FACTS_S, "facts", remote.facts())
            if not facts.current:
                return State(facts, {})
            require_fit(facts, _user(address))
            return State(facts, await within(FACTS_S, "status", remote.board("current", "status")))

        return self._over(job)

    def _over(self, job: Job) -> list[Outcome]:
        return asyncio.run(over(self.boards, self.login, job, self.watch, self.parallel))


def _user(address: Address) -> str:
    return address.user or getpass.getuser()
