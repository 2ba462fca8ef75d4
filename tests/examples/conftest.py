"""What the tests of examples have: a worker that runs them."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from temporalio.client import Client

from activities import registry
from runtime.settings import Settings
from tests.examples.publishing import SECRETS
from tests.examples.running import Runner
from tests.interpreter.event_board import EventBoard
from tests.worker.attempts import means
from worker.host import worker


@pytest.fixture
async def run(client: Client) -> AsyncGenerator[Runner]:
    runner = Runner(client, EventBoard(client))
    settings = Settings(queue=runner.queue, graceful_shutdown=timedelta(seconds=1))
    async with (
        means([*registry.load().values()], secrets=SECRETS) as shared,
        worker(client, settings, means=shared, sink=runner.sink, activities=runner.board.activities()),
    ):
        yield runner
