"""Events that come by the API: who hears them, what is refused, what is listed."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from runtime.settings import Settings
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.api.service import Caller, calling, serving
from tests.api.test_temporal_away import relayed
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting
from tests.worker.hearing import Hall, Hearer, Wanted, hall

PAID = Wanted("order.paid")
EVENTS = "/events"


@pytest.fixture
async def here(api_settings: Settings, store: Database) -> AsyncGenerator[Hall]:
    async with hall(api_settings.temporal_address, store) as opened:
        yield opened


async def sent(me: Caller, body: JsonValue, *, key: str | None = None, path: str = EVENTS) -> httpx2.Response:
    return await me.http.post(path, json=body, headers={} if key is None else {"Idempotency-Key": key})


async def listed(me: Caller, **asked: Any) -> list[dict[str, Any]]:
    return (await me.http.get(EVENTS, params=asked)).json()["items"]


async def execution(me: Caller, store: Database, here: Hall, id: str = "ex_" + "1" * 32) -> Hearer:
    """An open execution as the API knows it, which hears."""
    hearer = await here.hearer(me.tenant, id)
    added = text(
        "insert into executions (id, workflow, version, status, trigger, labels, started_at)"
        " values (:id, 'w', 1, 'running', 'api', '{}', now())"
    )
    async with session(store, me.tenant) as opened:
        await opened.sql.execute(added, {"id": id})
    return hearer


async def close(store: Database, tenant: TenantId, id: ExecutionId) -> None:
    async with session(store, tenant) as opened:
        closed = text("update executions set closed_at = now(), status = 'succeeded' where id = :id")
        await opened.sql.execute(closed, {"id": id})


async def test_an_event_comes_to_those_of_the_tenant_who_wait_and_is_listed(
    here: Hall, me: Caller, stranger: Caller
) -> None:
    mine, other, theirs = [await here.hearer(each.tenant) for each in (me, me, stranger)]
    await mine.subscribe(Wanted("order.paid", "A-17", keyed=True))
    await other.subscribe(Wanted("order.paid", "B", keyed=True))
    await theirs.subscribe(PAID)
    answer = await sent(me, {"name": "order.paid", "key": "A-17", "payload": {"sum": [12, None]}})
    assert answer.status_code == 202, answer.text
    [heard] = await mine.heard()
    assert (heard.id, heard.name, heard.key, heard.payload) == (
        answer.json()["id"],
        "order.paid",
        "A-17",
        {"sum": [12, None]},
    )
    assert await other.heard() == await theirs.heard() == []
    [row] = await listed(me)
    assert row == answer.json() | {
        "name": "order.paid",
        "key": "A-17",
        "payload": {"sum": [12, None]},
        "execution": None,
        "bytes": 42,
    }
    assert await listed(stranger) == []


async def test_a_signal_comes_to_its_execution_only(here: Hall, me: Caller, store: Database) -> None:
    hearer = await execution(me, store, here)
    other = await here.hearer(me.tenant)
    for each in (hearer, other):
        await each.subscribe(PAID)
    path = f"/workflows/executions/{hearer.execution}/signal"
    answer = await sent(me, {"name": "order.paid", "payload": 1}, path=path)
    assert answer.status_code == 202, answer.text
    assert [each.payload for each in await hearer.heard()] == [1]
    assert await other.heard() == []
    assert [each["execution"] for each in await listed(me)] == [hearer.execution]


async def test_a_signal_to_no_execution_of_mine_or_to_one_that_has_ended_is_refused(
    here: Hall, me: Caller, stranger: Caller, store: Database
) -> None:
    hearer = await execution(me, store, here)
    path = f"/workflows/executions/{hearer.execution}/signal"
    nobody = path.replace("1" * 32, "0" * 32)
    assert code(await sent(me, {"name": "a"}, path=nobody)) == (404, "execution.unknown")
    assert code(await sent(stranger, {"name": "a"}, path=path)) == (404, "execution.unknown")
    await close(store, me.tenant, hearer.execution)
    assert code(await sent(me, {"name": "a"}, path=path)) == (409, "execution.closed")
    assert await hearer.heard() == []
    assert await listed(me) == await listed(stranger) == []


@pytest.mark.usefixtures("working")
async def test_a_real_execution_takes_a_signal_while_it_is_open(me: Caller) -> None:
    await published(me, waiting())
    await published(me, definition())
    open_ = (await me.http.post("/workflows/waiting/executions", json={})).json()["id"]
    ended = (await me.http.post("/workflows/greeting/executions?wait=30", json={"input": {"name": "Ada"}})).json()
    assert ended["status"] == "succeeded"
    statuses = [
        (await sent(me, {"name": "a"}, path=f"/workflows/executions/{id}/signal")).status_code
        for id in (open_, ended["id"])
    ]
    assert statuses == [202, 409]
    await me.http.post(f"/workflows/executions/{open_}/cancel")


async def test_of_many_at_once_with_one_key_one_event_comes(here: Hall, me: Caller) -> None:
    hearer = await here.hearer(me.tenant)
    await hearer.subscribe(PAID)
    body: JsonValue = {"name": "order.paid", "key": {"b": 1, "a": 2}}
    answers = await asyncio.gather(*(sent(me, body, key="k") for _ in range(20)))
    answers.append(await sent(me, {"name": "order.paid", "key": {"a": 2, "b": 1}, "payload": None}, key="k"))
    assert {answer.status_code for answer in answers} == {202}
    assert [("idempotency-replayed" in answer.headers) for answer in answers].count(False) == 1
    assert len({answer.text for answer in answers}) == 1
    assert {each.id for each in await hearer.heard()} == {answers[0].json()["id"]}
    assert len(await listed(me)) == 1


async def test_another_event_with_the_same_key_is_a_conflict_and_is_not_sent(
    here: Hall, me: Caller, stranger: Caller, store: Database
) -> None:
    hearer = await execution(me, store, here)
    body: dict[str, JsonValue] = {"name": "order.paid", "key": 1, "payload": 1}
    first = (await sent(me, body, key="k")).json()["id"]
    changes: list[dict[str, JsonValue]] = [{"name": "b"}, {"key": 2}, {"key": True}, {"payload": 2}, {"payload": "1"}]
    for change in changes:
        assert code(await sent(me, body | change, key="k")) == (409, "idempotency.conflict")
    assert [each["id"] for each in await listed(me)] == [first]
    signal = await sent(me, body, key="k", path=f"/workflows/executions/{hearer.execution}/signal")
    theirs = await sent(stranger, body, key="k")
    assert len({first, signal.json()["id"], theirs.json()["id"]}) == 3


REFUSED: list[JsonValue] = [
    {},
    [],
    {"name": ""},
    {"name": "x" * 201},
    {"name": "a\x00"},
    {"name": "a\nb"},
    {"name": "\x9b2J"},
    {"name": 1},
    {"name": None},
    {"name": "a", "more": 1},
    {"name": "a", "key": 2**53 + 1},
]


async def test_what_is_no_event_is_refused(me: Caller) -> None:
    for refused in REFUSED:
        assert code(await sent(me, refused)) == (422, "request.invalid"), refused
    for value in (b'"\\ud800"', b'"\\u0000"', b"NaN", b"1e999", b"[" * 300 + b"]" * 300, b'{"a": 1, "a": 2}'):
        for place in (b"key", b"payload"):
            body = b'{"name": "a", "' + place + b'": ' + value + b"}"
            answer = await me.http.post(EVENTS, content=body, headers={"Content-Type": "application/json"})
            assert code(answer) == (422, "request.invalid"), body
    assert await listed(me) == []


STRANGE: list[JsonValue] = [
    "'; drop table emitted_events; --",
    "\u202e\uffff\u2028",
    '{"},NULL\\',
    {"a": {"": [None, True, 1.5, -(2**53)]}},
    [],
    "x" * 5_000,
]


async def test_what_is_strange_in_an_event_arrives_as_it_was(here: Hall, me: Caller) -> None:
    hearer = await here.hearer(me.tenant)
    for n, strange in enumerate(STRANGE):
        name = strange if isinstance(strange, str) and len(strange) <= 200 else "\U0001f600" * 200
        await hearer.subscribe(Wanted(name, strange, keyed=True), path=f"each[{n}].w")
        assert (await sent(me, {"name": name, "key": strange, "payload": strange})).status_code == 202
        heard = (await hearer.heard())[-1]
        assert (heard.name, heard.key, heard.payload) == (name, strange, strange)
    assert [each["payload"] for each in reversed(await listed(me))] == STRANGE


async def test_a_large_event_arrives_whole_and_its_list_says_its_size(here: Hall, me: Caller) -> None:
    hearer = await here.hearer(me.tenant)
    await hearer.subscribe(PAID)
    large = "x" * 1_000_000
    assert (await sent(me, {"name": "order.paid", "key": 1, "payload": large})).status_code == 202
    assert [each.payload for each in await hearer.heard()] == [large]
    [row] = await listed(me)
    assert (row["key"], row["payload"], row["bytes"] > 1_000_000) == (None, None, True)
    huge = b'{"name": "a", "payload": "' + b"x" * (20 * 1024 * 1024) + b'"}'
    answer = await me.http.post(EVENTS, content=huge, headers={"Content-Type": "application/json"})
    assert code(answer) == (413, "body.too_large")


async def test_events_are_listed_page_by_page_the_newest_first(me: Caller, stranger: Caller) -> None:
    ids = [(await sent(me, {"name": "a", "payload": n})).json()["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = (await me.http.get(EVENTS, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [each["id"] for each in answer["items"]]
        if (cursor := answer["next"]) is None:
            break
        assert code(await stranger.http.get(EVENTS, params={"cursor": cursor})) == (422, "cursor.invalid")
    assert seen == ids[::-1]


async def test_while_temporal_has_never_answered_nothing_is_stored(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    async with relayed(api_settings) as (relay, settings):
        await relay.close()
        async with serving(settings) as api, calling(api, store, tenant) as me:
            assert code(await sent(me, {"name": "a"})) == (503, "temporal.unavailable")
            assert await listed(me) == []
        await relay.open()


async def test_what_is_stored_while_temporal_is_away_is_answered_as_sent(
    here: Hall, api_settings: Settings, store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.events.PATIENCE", 0.5)
    hearer = await here.hearer(tenant)
    await hearer.subscribe(PAID)
    async with (
        relayed(api_settings) as (relay, settings),
        serving(settings) as api,
        calling(api, store, tenant) as me,
    ):
        first = await sent(me, {"name": "order.paid"}, key="a")
        await relay.close()
        second = await sent(me, {"name": "order.paid"}, key="b")
        await relay.open()
        assert [first.status_code, second.status_code] == [202, 202]
        assert [each.id for each in await hearer.heard()] == [first.json()["id"]]
        async with session(store, tenant) as opened:
            due = (await opened.sql.scalars(text("select id from emitted_events where route_at is not null"))).all()
        assert due == [second.json()["id"]]
