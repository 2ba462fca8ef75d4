"""No request, however strange, makes the API fail, and every answer is one that its description names."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.service import Api, Caller
from tests.api.test_cache import warmed
from tests.api.test_dependencies import depends
from tests.api.test_tasks import approval, asking
from tests.api.test_workflows import definition

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TAKES_ANYTHING = {"validate_workflow"}
"""Operations that answer strange bodies gladly."""
ENDLESS = {"stream_executions"}
"""Operations whose answers never end; tests of their own ask them."""
NEVER_FOUND = {
    "GET /api/v1/activity-types/{name}",
    "GET /api/v1/health/ready",
    "GET /api/v1/workflows/executions/{execution}/debug/why",
}
"""What there is, is not told to them, or need not be ready; test_tenants.py shows that the last is met."""


@pytest.mark.parametrize(
    "examples", [1, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(900)])], ids=["few", "many"]
)
@pytest.mark.usefixtures("working")
async def test_no_request_makes_the_api_fail(api: Api, me: Caller, examples: int) -> None:
    workflow = (await me.http.post("/workflows?publish=true", json=definition())).json()
    await me.http.put("/workflows/greeting/tags/live", json={"version": 1})
    execution = (await me.http.post("/workflows/greeting/executions?wait=30", json={})).json()
    assert execution["status"] == "succeeded"
    await me.http.put("/workflows/greeting/tests/hello", json={})
    execution = {"id": (await me.http.post("/workflows/greeting/test", json={"version": 1})).json()["execution"]}
    _, task = await asking(me, approval())
    output = await warmed(me)
    await depends(me, "greeting", "warm", on_unmet="wait", wait_at_most="1s")
    known = {
        "workflow": workflow["id"],
        "execution": execution["id"],
        "other": execution["id"],
        "task": task,
        "path": "greet",
        "tag": "live",
        "version": 1,
        "a": "1",
        "b": "draft",
        "output": output,
        "depends_on": "warm",
        "test": "hello",
    }
    async with httpx2.AsyncClient(trust_env=False) as http:
        document = (await http.get(f"{api.url}/api/openapi.json")).json()
    failures, answered = await asyncio.to_thread(explore, document, api, me.key, known, examples)
    assert not failures, "\n\n".join(failures)
    missed = [label for label, statuses in answered.items() if label.startswith("GET ") and 200 not in statuses]
    assert set(missed) <= NEVER_FOUND, "what is there has not been met"


def explore(
    document: dict[str, Any], api: Api, key: str, known: dict[str, Any], examples: int
) -> tuple[list[str], dict[str, set[int]]]:
    """Ask every operation what fits it and what does not, of things that there are and of any others. What deletes
    comes last, and workflows after what is in them."""
    failures: list[str] = []
    answered: dict[str, set[int]] = {}
    for operation in sorted(operations(document), key=lambda each: (each.method.lower() == "delete", -len(each.path))):
        name = operation.definition.raw["operationId"]
        if name in ENDLESS:
            continue
        there = {parameter: value for parameter, value in known.items() if f"{{{parameter}}}" in operation.path}
        asks = ask(api, key, name, answered.setdefault(operation.label, set()))
        for mode in GenerationMode:
            for values in [there, None] if there else [None]:
                if mode is GenerationMode.NEGATIVE and not can_be_wrong(operation, values or {}):
                    continue
                try:
                    bounded(operation.as_strategy(mode, path_parameters=values), asks, examples)()
                except (FailureGroup, Failure) as wrong:
                    failures.append(f"{operation.label}, {mode.value}: {wrong}")
    return failures, answered


def operations(document: dict[str, Any]) -> list[Any]:
    """Every operation. How keys are asked for is left out, since half of all requests would have a wrong one."""
    del document["components"]["securitySchemes"]
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [each.ok() for each in found]  # pyright: ignore[reportAttributeAccessIssue]  # else it raises


def can_be_wrong(operation: Any, known: dict[str, Any]) -> bool:
    """Whether a request can be unfit when it names what is known: there is a body or another parameter."""
    raw = operation.definition.raw
    return "requestBody" in raw or any(one["name"] not in known for one in raw.get("parameters", []))


def ask(api: Api, key: str, operation: str, answered: set[int]) -> Callable[[Any], None]:
    headers = {"Authorization": f"Bearer {key}"}

    def asks(case: Any) -> None:
        checks = [check for check in CHECKS if operation != "ready" or check is not not_a_server_error]
        if case.meta.generation.mode.is_negative and operation not in TAKES_ANYTHING:
            checks.append(negative_data_rejection)
        answer = case.call_and_validate(base_url=api.url, headers=headers, checks=checks, timeout=30)
        answered.add(answer.status_code)

    return asks


def bounded(strategy: Any, test: Callable[[Any], None], examples: int) -> Callable[[], None]:
    health = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    limits = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=health
    )
    return limits(seed(0)(given(strategy)(test)))
