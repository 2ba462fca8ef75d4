"""The worker, too, lets nothing in a test have effects that the test does not name as real."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.context import Context
from dag.invocation import Invocation
from tests.worker.attempts import Config, Output, bench


async def test_an_attempt_with_effects_is_refused_in_a_test_unless_it_is_real() -> None:
    calls: list[str] = []

    async def run(config: Config, context: Context) -> Output:
        calls.append("called")
        return Output(value=1)

    async with bench(run) as on:
        with pytest.raises(ApplicationError) as refused:
            await on.attempt({}, Invocation(test="pure"))
        assert (refused.value.type, refused.value.non_retryable, calls) == ("test.unmocked", True, [])
        assert await on.attempt({}, Invocation(test="real")) == {"value": 1}
    assert calls == ["called"]
