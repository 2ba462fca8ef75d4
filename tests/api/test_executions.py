"""Executions through the API, with a real worker."""

import asyncio

import pytest

from api.executions.shapes import EventOut, ExecutionOut, ListedOut, NodeRunOut
from tests.api.service import Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting


@pytest.mark.usefixtures("working")
async def test_an_execution_that_is_waited_for_is_answered_with_its_output(me: Caller) -> None:
    await published(me, definition())
    answer = await me.http.post("/workflows/greeting/executions?wait=20", json={"input": {"name": "Ada"}})
    assert answer.status_code == 200, answer.text
    execution = answer.json()
    ExecutionOut.model_validate(execution)
    assert (execution["status"], execution["output"]) == ("succeeded", "Hello Ada")
    assert answer.headers["location"] == f"/api/v1/workflows/executions/{execution['id']}"
    read = await me.http.get(f"/workflows/executions/{execution['id']}")
    assert read.json() == execution
