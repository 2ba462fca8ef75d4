"""What every address of the API keeps to."""

import inspect
from collections.abc import Iterator

import httpx2
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import app
from api.parameters import known_parameters, single_headers
from runtime.settings import Settings
from tests.api.service import Api, Caller


async def test_the_process_says_that_it_lives(nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_address_where_nothing_is_gets_a_problem(me: Caller) -> None:
    answer = await me.http.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "route.unknown"


async def test_a_wrong_method_gets_a_problem(me: Caller) -> None:
    answer = await me.http.delete("/health/live")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method.not_allowed", "GET")


async def test_readiness_tells_what_is_missing(nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get("/health/ready")
    assert answer.status_code == 503
    told = answer.json()
    assert told["database"] == {"ok": True, "hint": None}
    assert told["temporal"] == {"ok": True, "hint": None}
    assert not told["workers"]["ok"]
    assert "queue" in told["workers"]["hint"]
    assert not told["ready"]


async def test_the_documents_need_nothing_from_the_net(api: Api, nobody: httpx2.AsyncClient) -> None:
    page = await nobody.get(f"{api.url}/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_no_request_goes_through_a_thread_only_to_be_looked_at(api_settings: Settings) -> None:
    def calls(dependant: Dependant) -> Iterator[object]:
        yield dependant.call
        for inner in dependant.dependencies:
            yield from calls(inner)

    routes = [found.original_route for found in iter_route_contexts(app(api_settings).routes)]
    called = {call for route in routes if isinstance(route, APIRoute) for call in calls(route.dependant)}
    called |= {known_parameters, single_headers}  # which the app adds to all of them
    assert len(called) > 50
    assert [call for call in called if not runs_in_the_loop(call)] == []


def runs_in_the_loop(call: object) -> bool:
    asynchronous = inspect.iscoroutinefunction, inspect.isasyncgenfunction
    return any(is_so(call) or is_so(getattr(type(call), "__call__", None)) for is_so in asynchronous)  # noqa: B004
