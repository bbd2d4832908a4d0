import asyncio
from typing import Any

from edgeseg.deploy.address import Address
from edgeseg.deploy.connection import Login
from edgeseg.deploy.fleet import over
from edgeseg.deploy.remote import Remote, Report
from tests.deploy.conftest import Sshd


def test_an_answer_that_nobody_understands_leaves_the_other_boards_alone(board: Sshd) -> None:
    odd, plain = (Address("127.0.0.1", board.address.user, board.port, name=name) for name in ("odd", "plain"))

    async def job(remote: Remote, address: Address, report: Report) -> Any:
        found = await remote.call("outs")
        return found["of a later edgeseg" if address is odd else "schemes"]

    first, second = asyncio.run(over([odd, plain], Login(), job, lambda *_: None, 1))
    assert "its answer is not understood (KeyError('of a later edgeseg'))" in str(first.error)
    assert (second.result, second.error) == ([], None)
