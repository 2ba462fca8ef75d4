"""Events between executions on a real Temporal server: who hears them, what is never lost, what comes once."""

import asyncio
import random
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue
from sqlalchemy import text
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ActivityError, ApplicationError

from dag.event_messages import Emission, EmittedEvent, Wanted
from runtime import events
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.events import Published, publish
from runtime.settings import Settings
from store import emitted_events, ids
from store.database import Database, database
from store.emitted_events import Sent
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.api.test_temporal_away import Relay
from tests.postgres import Server, another_tenant
from tests.temporal import free_port
from tests.worker.hearing import Hall, Hearer, hall
from worker import reconcile
from worker.event_upkeep import look_after_events

EVER = "2000-01-01T00:00:00+00:00"
PAID = Wanted("paid")


@pytest.fixture
async def here(temporal: str, store: Database) -> AsyncGenerator[Hall]:
    async with hall(temporal, store) as opened:
        yield opened


async def send(
    here: Hall,
    store: Database,
    tenant: TenantId,
    name: str = "paid",
    key: JsonValue = None,
    payload: JsonValue = None,
    execution: ExecutionId | None = None,
) -> Published:
    return await publish(here.client, store, tenant, Sent(ids.event(), name, key, payload, execution))


async def count(store: Database, tenant: TenantId, of: str) -> int:
    async with session(store, tenant) as opened:
        return (await opened.sql.scalars(text(f"select count(*) from {of}"))).one()


async def make_due(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        await opened.sql.execute(
            text("update emitted_events set route_at = now() - interval '1 s' where route_at > now()")
        )


async def test_an_event_comes_to_all_who_wait_for_it_and_to_nobody_else(
    here: Hall, store: Database, tenant: TenantId
) -> None:
    by_key, by_name, other = await here.hearers(tenant, 3)
    stranger = await here.hearer(await another_tenant(store))
    await by_key.subscribe(Wanted("lost"), Wanted("paid", {"b": 1, "a": [2]}, keyed=True))
    for hearer in (by_name, stranger):
        await hearer.subscribe(PAID, local=True)
    await other.subscribe(Wanted("paid", "B", keyed=True))
    event = (await send(here, store, tenant, key={"a": [2.0], "b": 1}, payload={"n": None})).event
    heard = EmittedEvent(event.id, "paid", {"a": [2.0], "b": 1}, {"n": None}, event.at.isoformat())
    assert [await each.hears(1) for each in (by_key, by_name)] == [[heard], [heard]]
    assert datetime.fromisoformat(heard.at) == event.at
    await by_name.unsubscribe()
    await send(here, store, tenant, key="B")
    assert len(await other.hears(1)) == 1
    assert (len(await by_name.heard()), await stranger.heard()) == (1, [])
    assert await count(store, tenant, "emitted_events where route_at is not null") == 0


async def test_a_strand_that_waits_twice_hears_an_event_once(here: Hall, store: Database, tenant: TenantId) -> None:
    hearer = await here.hearer(tenant)
    batch = await here.hearer(tenant, hearer.execution, "each", "0")
    for path in ("a", "b"):
        await hearer.subscribe(PAID, Wanted("paid", "A", keyed=True), path=path)
    await batch.subscribe(PAID, path="each[0].w")
    await send(here, store, tenant, key="A")
    assert [len(await each.heard()) for each in (hearer, batch)] == [1, 1]


async def test_no_event_is_lost_between_sending_and_waiting(here: Hall, store: Database, tenant: TenantId) -> None:
    hearers = await here.hearers(tenant, 12)
    chance = random.Random(4)
    sent: list[str] = []
    caught: dict[str, set[str]] = {}

    async def sends() -> None:
        for n in range(15):
            await asyncio.sleep(chance.random() * 0.02)
            sent.append((await send(here, store, tenant, key=n % 3)).event.id)

    async def waits(hearer: Hearer, *, until: int, local: bool) -> None:
        while len(sent) < until:
            await asyncio.sleep(0.001)
        wanted = [PAID] if local else [Wanted("paid", key, keyed=True) for key in range(3)]
        found = await hearer.subscribe(*wanted, since=EVER, local=local)
        caught[hearer.handle.id] = {each.id for each in found.events}

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(sends())
        for n, hearer in enumerate(hearers):
            group.create_task(waits(hearer, until=5 * n, local=n % 2 == 0))
    assert len(sent) == 60
    for hearer in hearers:
        seen = caught[hearer.handle.id] | {each.id for each in await hearer.heard()}
        assert seen == set(sent)


async def test_looking_back_ends_where_it_is_told_to(here: Hall, store: Database, tenant: TenantId) -> None:
    hearer = await here.hearer(tenant)
    first, second = [(await send(here, store, tenant, key="A", payload=n)).event for n in range(2)]
    await send(here, store, tenant, execution=ExecutionId("ex_other"))
    signal = (await send(here, store, tenant, execution=hearer.execution)).event

    async def found(since: str | None) -> list[tuple[str, tuple[int, ...]]]:
        answer = await hearer.subscribe(Wanted("paid", "A", keyed=True), PAID, since=since)
        assert answer.next is None
        return [(each.id, each.positions) for each in answer.events]

    assert await found(None) == []
    assert await found(EVER) == [(first.id, (0, 1)), (second.id, (0, 1)), (signal.id, (1,))]
    assert await found(second.at.isoformat()) == [(second.id, (0, 1)), (signal.id, (1,))]
    assert await found((signal.at + timedelta(microseconds=1)).isoformat()) == []
    assert await found(datetime.now(UTC).isoformat().replace("+00:00", "Z")) == []


async def test_what_does_not_fit_into_one_answer_is_asked_for_by_its_beginning(
    here: Hall, store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.events.MOST_EARLIER", 4)
    sent = [(await send(here, store, tenant, payload=n)).event.id for n in range(10)]
    hearer = await here.hearer(tenant)
    answer = await hearer.subscribe(PAID, since=EVER)
    found = [*answer.events]
    while answer.next is not None:
        answer = await hearer.subscribe(PAID, since=EVER, after=answer.next)
        found += answer.events
    assert [each.id for each in found] == sent
    assert [each.payload for each in found] == list(range(10))


async def test_within_an_execution_an_event_satisfies_one_wait(here: Hall, store: Database, tenant: TenantId) -> None:
    root, other = await here.hearers(tenant, 2)
    strands = await asyncio.gather(*(here.hearer(tenant, root.execution, "each", str(n)) for n in range(8)))
    for n, strand in enumerate(strands):
        await strand.subscribe(PAID, path=f"each[{n}].w")
    first, second = [(await send(here, store, tenant, payload=n)).event.id for n in range(2)]
    assert {len(await strand.heard()) for strand in strands} == {2}
    taken = await asyncio.gather(*(strand.take(first, f"each[{n}].w") for n, strand in enumerate(strands)))
    winner = taken.index(True)
    assert taken.count(True) == 1
    assert await strands[winner].take(first, f"each[{winner}].w"), "asked again"
    assert await other.take(first), "another execution has it too"
    late = await root.subscribe(PAID, path="late", since=EVER)
    assert [each.id for each in late.events] == [second]
    again = await strands[winner].subscribe(PAID, path=f"each[{winner}].w", since=EVER, local=True)
    assert [each.id for each in again.events] == [first, second]


async def test_a_large_payload_arrives_whole(here: Hall, store: Database, tenant: TenantId) -> None:
    sender, hearer, late = await here.hearers(tenant, 3)
    large = "\u00e4\u202e" * 100_000
    await hearer.subscribe(PAID)
    await sender.emit(Emission("emit", "paid", payload=large))
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await sender.emit(Emission("more", "paid", payload="x" * 21 * 1024 * 1024))
    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, ApplicationError)
    assert failed.value.cause.cause.type == "payload.too_large"
    [heard] = await hearer.hears(1)
    [found] = (await late.subscribe(PAID, since=EVER, local=True)).events
    assert heard.payload == found.payload == large


async def test_an_emission_that_is_repeated_emits_once(here: Hall, store: Database, tenant: TenantId) -> None:
    sender, other, hearer = await here.hearers(tenant, 3)
    await hearer.subscribe(PAID)
    once = Emission("each[3].emit", "paid", "A", {"n": 1})
    ids = [await sender.emit(once), await sender.emit(once, local=True)]
    ids += await asyncio.gather(*(sender.emit(once) for _ in range(3)))
    assert len(set(ids)) == 1
    assert {each.id for each in await hearer.hears(5)} == set(ids)
    assert await count(store, tenant, "emitted_events") == 1
    more = [Emission("each[4].emit", "paid"), Emission("each[3].emit", "paid", attempt=2)]
    different = {*ids, *[await sender.emit(each) for each in more], await other.emit(once)}
    assert len(different) == await count(store, tenant, "emitted_events") == 4


async def test_waits_of_strands_that_have_ended_go_and_keep_nobody_from_hearing(
    here: Hall, store: Database, tenant: TenantId
) -> None:
    ended, killed, there = await here.hearers(tenant, 3)
    for hearer in (ended, killed, there):
        await hearer.subscribe(PAID)
    await ended.end()
    await killed.handle.terminate()
    await send(here, store, tenant)
    assert len(await there.hears(1)) == 1
    assert await count(store, tenant, "event_waits") == 1
    assert await count(store, tenant, "emitted_events where route_at is null") == 1


async def test_a_signal_that_nobody_waits_for_comes_to_its_execution(
    here: Hall, store: Database, tenant: TenantId
) -> None:
    hearer, other = await here.hearers(tenant, 2)
    strand = await here.hearer(tenant, hearer.execution, "each")
    await other.subscribe(PAID)
    await send(here, store, tenant, execution=hearer.execution, payload=1)
    await strand.subscribe(PAID)
    await send(here, store, tenant, execution=hearer.execution, payload=2)
    assert [each.payload for each in await hearer.hears(1)] == [1]
    assert [each.payload for each in await strand.hears(1)] == [2]
    assert await other.heard() == []
    await send(here, store, tenant, execution=ExecutionId("ex_nobody"))
    assert await count(store, tenant, "emitted_events where route_at is null") == 3


@pytest.mark.parametrize("local", [False, True], ids=["normal", "local"])
async def test_a_name_that_no_event_can_have_is_the_authors_mistake(
    here: Hall, store: Database, tenant: TenantId, *, local: bool
) -> None:
    hearer = await here.hearer(tenant)
    for call in (
        hearer.emit(Emission("a[0].emit", "nul\x00"), local=local),
        hearer.subscribe(Wanted(""), path="a[0].emit", local=local),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await call
        cause = failed.value.cause
        told = cause.cause if isinstance(cause, ActivityError) else cause
        assert isinstance(told, ApplicationError)
        assert (told.type, told.non_retryable) == ("config.invalid", True)
        assert (told.details[0]["path"], told.details[0]["node"]) == ("a[0].emit", "emit")
    assert await count(store, tenant, "event_waits") == 0


async def test_while_the_database_is_away_activities_wait_for_it(
    temporal: str, store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    relay = Relay(free_port(), f"127.0.0.1:{postgres.port}")
    url = postgres.url(database_name).replace(f":{postgres.port}/", f":{relay._port}/")
    async with database(url, store.keyring) as by_relay, hall(temporal, store, working=by_relay) as here:
        hearer, sender = await here.hearers(tenant, 2)
        waits = asyncio.create_task(hearer.subscribe(PAID))
        emits = asyncio.create_task(sender.emit(Emission("emit", "paid")))
        await asyncio.sleep(1)
        assert not waits.done()
        assert not emits.done()
        await relay.open()
        try:
            await asyncio.gather(waits, emits)
        finally:
            await relay.close()


async def test_what_could_not_be_told_while_temporal_was_away_is_told_by_a_later_pass(
    here: Hall, temporal: str, store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PATIENCE", 0.5)
    hearer = await here.hearer(tenant)
    await hearer.subscribe(PAID)
    relay = Relay(free_port(), temporal)
    await relay.open()
    settings = Settings(temporal_address=f"127.0.0.1:{relay._port}")
    cut_off = await connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)
    await relay.close()
    event = (await publish(cut_off, store, tenant, Sent(ids.event(), "paid"))).event
    assert await hearer.heard() == []
    await look_after_events(here.client, store, tenant)
    assert await hearer.heard() == [], "it is not due yet"
    await make_due(store, tenant)
    await look_after_events(here.client, store, tenant)
    assert [each.id for each in await hearer.heard()] == [event.id]
    assert await count(store, tenant, "emitted_events where route_at is null") == 1


async def test_what_a_sender_stored_that_died_before_it_told_anybody_is_told_by_a_pass(
    here: Hall, client: Client, store: Database, tenant: TenantId
) -> None:
    hearer = await here.hearer(tenant)
    await hearer.subscribe(PAID)
    await emitted_events.add(store, tenant, Sent(ids.event(), "paid"))
    await make_due(store, tenant)
    await reconcile.run(here.client, store, None)
    assert len(await hearer.heard()) == 1
    await reconcile.run(here.client, store, None)
    assert len(await hearer.heard()) == 1


async def test_many_who_wait_are_all_told(
    here: Hall, store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PAGE", 7)
    hearers = await here.hearers(tenant, 30)
    await asyncio.gather(*(each.subscribe(PAID, local=True) for each in hearers))
    await hearers[3].handle.terminate()
    await send(here, store, tenant)
    heard = [len(await each.heard()) for n, each in enumerate(hearers) if n != 3]
    assert heard == [1] * 29
    assert await count(store, tenant, "event_waits") == 29
